"""The measures of classification, calibration, spans and citations, against scikit-learn's and by hand."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from sklearn import metrics

from evals.answers import completeness
from evals.measures import calibration
from evals.measures.citations import citation_scores, groundedness
from evals.measures.classification import auroc, balanced_accuracy, f1, f_beta, precision_recall
from evals.measures.spans import marked_tokens, span_metric, token_counts
from evals.runs.aggregates import TableAggregate
from evals.runs.example import Example, Result
from evals.runs.intervals import aggregate_interval, aggregate_samples

RIGHT = np.array([True, True, False, True, False])
SURE = np.array([0.9, 0.8, 0.7, 0.6, 0.1])


@pytest.mark.parametrize("seed", range(5))
def test_the_measures_are_those_of_scikit_learn_ties_and_all(seed: int) -> None:
    dice = np.random.default_rng(seed)
    truth, scores = dice.random(60) < 0.3, dice.integers(0, 6, 60) / 5
    said = scores >= 0.6
    assert auroc(truth, scores) == pytest.approx(metrics.roc_auc_score(truth, scores))
    assert balanced_accuracy(truth, said) == pytest.approx(metrics.balanced_accuracy_score(truth, said))
    assert f1(truth, said) == pytest.approx(metrics.f1_score(truth, said))
    found, missed, wrong = (truth & said).sum(), (truth & ~said).sum(), (said & ~truth).sum()
    expected = metrics.fbeta_score(truth, said, beta=2.0)
    assert f_beta(*precision_recall(found, missed, wrong), 2.0) == pytest.approx(expected)


def test_what_never_says_yes_is_no_better_than_chance() -> None:
    truth = np.array([True] * 9 + [False])
    assert balanced_accuracy(truth, np.ones(10, dtype=bool)) == 0.5
    assert f1(truth, np.zeros(10, dtype=bool)) == 0.0


def test_cases_of_one_kind_have_no_auroc() -> None:
    assert math.isnan(auroc(np.ones(3, dtype=bool), np.arange(3.0)))
    assert math.isnan(balanced_accuracy(np.zeros(3, dtype=bool), np.zeros(3, dtype=bool)))
    assert math.isnan(precision_recall(0, 0, 4)[1])


def test_risk_counts_the_surest_first_and_what_is_as_sure_alike() -> None:
    assert calibration.risks(RIGHT, SURE).tolist() == pytest.approx([0, 0, 1 / 3, 1 / 4, 2 / 5])
    assert calibration.risk_at(RIGHT, SURE, 0.6) == pytest.approx(1 / 3)
    assert calibration.best_risk(RIGHT, 0.6) == 0.0
    assert calibration.risk_curve_area(RIGHT, np.full(5, 0.5)) == pytest.approx(0.4)
    assert calibration.risk_curve_area(RIGHT[::-1], np.full(5, 0.5)) == pytest.approx(0.4)


def test_an_order_that_has_all_right_answers_first_leaves_nothing_to_gain() -> None:
    assert calibration.excess_risk_curve_area(RIGHT, np.where(RIGHT, 0.9, 0.2)) == 0.0
    assert calibration.excess_risk_curve_area(RIGHT, np.where(RIGHT, 0.2, 0.9)) > 0.3


def test_a_confidence_that_is_the_share_of_right_answers_has_no_calibration_error() -> None:
    right = np.array([True, False] * 10 + [True])
    assert calibration.calibration_error(right, np.array([0.5] * 20 + [1.0])) == pytest.approx(0.0)
    assert calibration.calibration_error(right, np.array([0.9] * 20 + [1.0])) == pytest.approx(8.0 / 21)
    tenths = calibration.reliability(right, np.array([0.5] * 20 + [1.0]))
    assert tenths == [
        {"confidence": 0.5, "right": 0.5, "questions": 20},
        {"confidence": 1.0, "right": 1.0, "questions": 1},
    ]


def test_a_word_in_common_use_goes_with_the_word_that_follows() -> None:
    text, tokens = (
        "It was held in San Diego, in May.",
        ["It", "was", "held", "in", "San", "Diego", ",", "in", "May", "."],
    )
    marked = marked_tokens(text, tokens, [(text.index("San"), text.index("San") + 3)])
    assert [token for token, so in zip(tokens, marked, strict=True) if so] == ["in", "San"]
    assert marked_tokens("a b", ["``", "b"], [(2, 3)]) == [False, True]


def test_spans_of_all_claims_count_together() -> None:
    table = np.array([token_counts([True, True, False], [True, False, True]), token_counts([False], [False])])
    assert span_metric("precision")(table) == span_metric("recall")(table) == span_metric("F1")(table) == 0.5


def test_citations_are_right_where_people_judged_the_passage_relevant() -> None:
    assert citation_scores(["a", "b"], {"a": 1, "c": 2}) == {"citation_precision": 0.5, "citation_recall": 0.5}
    assert citation_scores([], {"a": 1}) == {"citation_recall": 0.0}
    assert citation_scores(["a"], {}) == {}
    assert groundedness(["supported", "partly"]) == {"groundedness": 0.5}
    assert groundedness([]) == {}


def test_an_answer_is_as_complete_as_the_words_of_the_right_one_that_it_holds() -> None:
    assert completeness("It opened in 1932.", ["in 1932"]) == 1.0
    assert completeness("the eastern side", ["eastern pier", "western pier"]) == 0.5
    assert completeness("", ["eastern pier"]) == 0.0
    assert completeness("The Who", ["the who"]) == 1.0


def test_samples_of_a_table_tell_how_sure_a_measure_is_and_leave_out_those_that_have_none() -> None:
    results = [
        Result("set", Example(str(at), {}, {}), {}, {"score": at / 10, "true": float(at in (3, 9))}) for at in range(10)
    ]
    failed = Result("set", Example("failed", {}, {}), {}, {}, error="It failed.")
    aggregate = TableAggregate(
        lambda one: (one.scores["true"], one.scores["score"]), lambda table: auroc(table[:, 0] > 0, table[:, 1])
    )
    assert aggregate([*results, failed]) == pytest.approx(0.6875)
    assert any(map(math.isnan, aggregate_samples(aggregate, results, 200)))
    value, low, high = aggregate_interval(aggregate, results)
    assert low < value < high <= 1.0
    assert math.isnan(aggregate([failed]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert all(map(math.isnan, aggregate_interval(aggregate, results[:2])))
