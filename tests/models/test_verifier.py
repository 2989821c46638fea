from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.passages import PassageTokens
from models.verifier import EmbeddedVerifier
from models.verifier_features import NAMES
from models.verifier_head import load_head
from state.answer import Verdict

EVIDENCE = [
    "The Fulmar pump was recalled in March 2024 because 1,200 units leaked.",
    "Ann Miller, who leads the service team, did not approve refunds.",
]


@pytest.fixture
def verifier(tokens: PassageTokens) -> EmbeddedVerifier:
    return EmbeddedVerifier(tokens)


def test_a_sentence_of_the_evidence_is_supported_without_a_model(tokens: PassageTokens) -> None:
    class NoModel(PassageTokens):
        def of_texts(self, texts: object) -> list[object]:  # type: ignore[override]
            raise AssertionError("the model was asked")

    verifier = EmbeddedVerifier(NoModel(tokens.embedder))
    assert verifier.verify("The Fulmar pump was recalled in March 2024", EVIDENCE) == ("supported", 1.0)


@pytest.mark.parametrize("evidence", [[], [""], ["  "]])
def test_no_evidence_supports_nothing(verifier: EmbeddedVerifier, evidence: list[str]) -> None:
    assert verifier.verify("The pump was recalled.", evidence) == ("unsupported", 0.0)
    assert verifier.verify(" ", EVIDENCE) == ("unsupported", 0.0)


@pytest.mark.parametrize(
    ("true", "false"),
    [
        ("In March 2024 the Fulmar pump was recalled.", "In March 2023 the Fulmar pump was recalled."),
        ("In March 2024 the Fulmar pump was recalled.", "In April 2024 the Fulmar pump was recalled."),
        ("1200 units of the Fulmar pump leaked.", "1500 units of the Fulmar pump leaked."),
        ("The Fulmar pump was recalled in 2024.", "The Fulmar pump was not recalled in 2024."),
        ("Ann Miller did not approve any refunds.", "Ann Miller approved the refunds."),
        ("Ann Miller leads the service team.", "Bob Stone leads the service team."),
    ],
)
def test_a_true_claim_has_a_higher_score_than_the_same_made_false(
    verifier: EmbeddedVerifier, true: str, false: str
) -> None:
    assert verifier.verify(true, EVIDENCE)[1] > verifier.verify(false, EVIDENCE)[1]
    assert verifier.verify(false, EVIDENCE)[0] in ("unsupported", "contradicted", "partly")


def test_another_number_in_nearly_the_same_words_contradicts(verifier: EmbeddedVerifier) -> None:
    wrong: Verdict = verifier.verify("The Fulmar pump was recalled in March 2024 because 900 units leaked.", EVIDENCE)[
        0
    ]
    assert wrong == "contradicted"


def test_a_claim_about_something_else_is_unsupported(verifier: EmbeddedVerifier) -> None:
    assert verifier.verify("Photosynthesis turns sunlight into sugar.", EVIDENCE)[0] == "unsupported"


def test_long_evidence_is_read_where_it_speaks_of_the_claim(verifier: EmbeddedVerifier) -> None:
    noise = [f"Paragraph {number} is about gardens and what grows in them all year long. " * 9 for number in range(9)]
    near = verifier.verify("In March 2024 the Fulmar pump was recalled.", EVIDENCE)[1]
    far = verifier.verify("In March 2024 the Fulmar pump was recalled.", [*noise, *EVIDENCE, *noise])[1]
    assert far > near - 0.35
    assert verifier.verify("In March 2024 the Fulmar pump was recalled.", noise)[0] != "supported"


@given(st.text(min_size=1, max_size=60), st.lists(st.text(max_size=60), max_size=2))
def test_every_claim_gets_a_score_between_nothing_and_one(claim: str, evidence: list[str]) -> None:
    class NoTokens(PassageTokens):
        def of_texts(self, texts: list[str]) -> list[object]:  # type: ignore[override]
            import numpy as np

            from models.runtime import TokenVectors

            empty = TokenVectors(np.zeros((0, 4), np.float16), np.zeros((0, 2), np.int32), np.zeros(0, np.int32))
            return [empty for _ in texts]

    verdict, score = EmbeddedVerifier(NoTokens(None)).verify(claim, evidence)  # type: ignore[arg-type]
    assert 0.0 <= score <= 1.0
    assert (verdict == "supported") >= (score == 1.0)


def test_the_packaged_head_fits_what_is_seen() -> None:
    head = load_head()
    assert head.names == NAMES
    assert len(head.weights) == len(NAMES) and head.partly < head.supported


def test_another_season_is_another_date(verifier: EmbeddedVerifier) -> None:
    evidence = ["The turbine hall is inspected every spring by the safety team."]
    assert verifier.verify("The turbine hall is inspected in autumn by guests.", evidence)[0] != "supported"
