"""What stands below an answer: how sure it is, and what can be done with it. All text is escaped here."""

from __future__ import annotations

from html import escape

from state.answer import Answer
from tools.markdown import answer_markdown
from ui.icons import icon


def footer(answer: Answer, question: str) -> str:
    """Return how sure the answer is, and what can be done with it."""
    tools = [_copy_button(answer), icon_button("again", "Ask this again, anew", question=question)]
    if answer.receipt:
        tools += [
            icon_button("up", "This answer helped", pressed=False),
            icon_button("down", "This answer did not help", pressed=False),
            button("how", f"{icon('how')} How this answer was made", expanded=False),
        ]
    return (
        f'<div class="fn-foot">{_confidence(answer)}<div class="fn-tools">{"".join(tools)}</div></div>'
        '<div class="fn-more" hidden></div>'
    )


def _copy_button(answer: Answer) -> str:
    label = "Copy the answer with its footnotes"
    return (
        f'<button type="button" class="fn-icon" data-fn="copy" data-markdown="{escape(answer_markdown(answer))}"'
        f' aria-label="{label}" data-tip="{label}">{icon("copy")}</button>'
    )


def _confidence(answer: Answer) -> str:
    """Return how sure the answer is; of one that says that there is none, how sure that is."""
    confidence = answer.confidence
    lowered = "".join(f"<li>{escape(reason)}</li>" for reason in confidence.lowered_by)
    what = f"<p>Lowered by:</p><ul>{lowered}</ul>" if lowered else "<p>Nothing lowered it.</p>"
    of_what = " that they do not say" if answer.abstained and answer.nearest else ""
    return (
        f'<details class="fn-confidence" data-level="{confidence.level}"><summary>'
        f'<span class="fn-level" aria-hidden="true"><i></i><i></i><i></i></span>'
        f"{confidence.level.capitalize()} confidence{of_what}</summary>"
        f'<div class="fn-pop">{what}<p class="fn-quiet">Estimated at {confidence.score:.0%}.</p></div></details>'
    )


def button(action: str, inner: str, *, question: str = "", expanded: bool | None = None) -> str:
    """Return a button that the page's script knows by its action; ``inner`` is HTML."""
    asked = f' data-question="{escape(question)}"' if question else ""
    state = "" if expanded is None else f' aria-expanded="{str(expanded).lower()}"'
    return f'<button type="button" class="fn-tool" data-fn="{action}"{asked}{state}>{inner}</button>'


def icon_button(action: str, label: str, *, question: str = "", pressed: bool | None = None) -> str:
    """Return a button that shows the icon of its action, and says its label."""
    asked = f' data-question="{escape(question)}"' if question else ""
    state = "" if pressed is None else f' aria-pressed="{str(pressed).lower()}"'
    return (
        f'<button type="button" class="fn-icon" data-fn="{action}"{asked}{state} aria-label="{label}"'
        f' data-tip="{label}">{icon(action)}</button>'
    )
