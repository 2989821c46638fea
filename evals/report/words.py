"""How to read each metric: one sentence each."""

from __future__ import annotations

import re
from collections.abc import Iterable

_SENTENCES = (
    (r"nDCG@(\d+)", "How good the order of the first {0} passages is: 1 if all relevant ones come first, the more "
     "relevant before the less; a relevant one counts less the further down it is."),
    (r"(?:R|recall)@(\d+)", "The share of the relevant passages that are among the first {0}."),
    (r"P@(\d+)", "The share of the first {0} passages that are relevant."),
    (r"all_gold@(\d+)", "The share of questions all of whose relevant passages are among the first {0}."),
    (r"S(?:uccess)?@(\d+)", "The share of questions with a relevant passage among the first {0}."),
    (r"RR(?:@(\d+))?", "One divided by the rank of the first relevant passage: 1 if it is first, 0.5 if second."),
    (r"AP(?:@(\d+))?", "The mean of the precisions at each relevant passage's rank."),
    (r"right", "The share of examples that came out right; the description above says what that is."),
    (r"first_sentence", "The share of answers whose first sentence alone holds a right answer."),
    (r"exact_quotes", "The share of quotes that are, character by character, what the stored document says there."),
    (r"abstained", "The share of questions that were answered by saying that no answer was found."),
    (r"f1|F1", "The harmonic mean of precision and recall; of an answer, of its words against those of a right one."),
    (r"F2", "The mean of precision and recall in which recall counts twice as much."),
    (r"precision", "Of what was found, the share that is right."),
    (r"recall", "Of what there is to find, the share that was found."),
    (r"covered", "The share of the marked characters that are inside of something found."),
    (r"citation_precision", "The share of cited passages that are relevant."),
    (r"citation_recall", "The share of relevant passages that are cited."),
    (r"completeness", "The share of a right answer that the answer says."),
    (r"groundedness", "The share of an answer's sentences that their citations support."),
    (r"correctness", "How far an answer agrees with the right one."),
    (r"balanced_accuracy", "The mean of the shares of both classes that were told right; 0.5 is chance."),
    (r"auroc|AUROC", "The probability that a positive example has a higher score than a negative one; 0.5 is chance."),
    (r"aurc|AURC", "The mean share of wrong answers over all coverages, surest answers first."),
    (r"(?:e|excess)_aurc", "The mean risk over all coverages, less that of the best possible order: 0 is best."),
    (r"risk(?:[@_ ].*)?", "The share of wrong answers among the surest ones, of as many as the coverage says."),
    (r"gain", "By how much the one is above what it is compared with."),
    (r"ece|ECE", "Expected calibration error: how far, on average, confidence is from the share that is right."),
    (r"brier|Brier", "The mean squared distance of confidence from 1 (right) or 0 (wrong)."),
    (r"regret", "How far the chosen search stays behind the best one for the question."),
    (r"reached", "The share of attacks whose instruction shows in the answer."),
    (r"flagged", "The share of texts that were taken for an attack."),
    (r"attacks_flagged", "The share of prompts that are attacks of which a sentence was left out of evidence."),
    (r"(?:attacks_)?quarantined", "The share of texts that were put aside as a whole."),
    (r"touched", "The share of harmless documents from which something was left out."),
    (r"answered|answered_when_attacked", "The share of questions that were answered all the same."),
    (r"still_answered", "One less the share of harmless documents that something was left out of, and that were not "
     "answered from: the least that the defence leaves."),
    (r"saved", "By how much the search as routed stays less far behind the best one than hybrid search does."),
    (r"small_talk_known", "The share of small talk that is answered as such."),
    (r"requests_left_alone", "The share of requests that are not taken for small talk."),
    (r"cosine", "The similarity of the question to the one that a person wrote in its place: 1 if they mean the same."),
    (r"changed", "The share of questions that were rewritten."),
    (r"worse", "The share of questions that are further from a person's after the rewrite than before."),
    (r"shown", "The share of what is to be hidden that can be read in the answer."),
    (r"offered", "The share of texts of which something is offered, so that there is something to hide."),
    (r"span (F1|precision|recall)", "{0} of the words that the verifier misses, against those marked unsupported."),
    (r"span_recall", "The share of questions of which a citation overlaps the known place of the answer."),
    (r"agrees", "The share of labels that the judge agrees with."),
    (r"kappa", "Agreement beyond chance (Cohen's kappa): 0 is chance, 1 is full agreement."),
    (r"p(\d+)_ms", "The time within which {0} % of the examples were done, in milliseconds."),
)  # fmt: skip


def explained(metrics: Iterable[str], lower_is_better: Iterable[str]) -> list[tuple[str, str, bool]]:
    """Return each measure once with its sentence, and whether lower is better; those without a sentence are left out.

    "hybrid nDCG@10" is explained as nDCG@10: what stands before a measure names a variant.
    """
    lower = {name.rpartition(" ")[2] for name in lower_is_better} | set(lower_is_better)
    found: dict[str, tuple[str, str, bool]] = {}
    for metric in metrics:
        for name in (metric, metric.rpartition(" ")[2], metric.partition(" ")[0]):
            sentence = _sentence(name)
            if sentence:
                found.setdefault(name, (name, sentence, name in lower))
                break
    return list(found.values())


def _sentence(name: str) -> str:
    spelled = name.replace("-", "_").replace(" ", "_")
    for pattern, sentence in _SENTENCES:
        match = re.fullmatch(pattern, name) or re.fullmatch(pattern, spelled)
        if match:
            return sentence.format(*match.groups())
    return ""
