"""How fast the page is, in a real browser: `python -m evals.page` measures one that it serves, or that of an address.

First paint is the browser's own `first-contentful-paint`; the first sentence is timed in the page from the question's
being sent to its being seen. Each figure is the median and the worst of several visits, the answers not from the cache
of answers, the models warm.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from evals.browser import chromium, open_browser, open_page, page_over_samples

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Different ones, so that none is answered from the cache; the first warms the models up and is not counted.
QUESTIONS: Final = (
    "What does ERR-41 mean?",
    "How many days of annual leave are there in the second year?",
    "How do I replace the battery pack of a station?",
    "Why was firmware v2.1.2 withdrawn?",
    "How much does Fulmar pay per kilometre for my own car?",
    "What is the wind range of the Gannet WX-200?",
)
_FIRST_PAINT: Final = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
_WATCH: Final = """() => {
  window.__sentence = null;
  window.__sent = performance.now();
  const look = () => {
    if (window.__sentence === null && document.querySelector(".fn-turn[data-last] .fn-sentence"))
      window.__sentence = performance.now() - window.__sent;
  };
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
}"""


def measure(browser: Browser, address: str) -> dict[str, Any]:
    """Return milliseconds to the first paint and to the first sentence, one visit a question."""
    paints, sentences = [], []
    for question in QUESTIONS:
        page = open_page(browser, address)
        page.locator(".fn-example, .fn-hero h2").first.wait_for(timeout=60_000)
        paints.append(float(page.evaluate(_FIRST_PAINT)))
        page.get_by_role("textbox", name="Your question").fill(question)
        page.evaluate(_WATCH)
        page.keyboard.press("Enter")
        page.locator(".fn-turn[data-state=done]").wait_for(timeout=60_000)
        sentences.append(page.evaluate("window.__sentence"))
        page.context.close()
    found = [one for one in sentences[1:] if one is not None]
    return {
        "first_paint_ms": _summary(paints[1:]),
        "first_sentence_ms": _summary(found),
        "unanswered": len(sentences[1:]) - len(found),
        "visits": len(paints) - 1,
    }


def _summary(values: Sequence[float]) -> dict[str, float]:
    return {"median": round(statistics.median(values)), "worst": round(max(values))} if values else {}


def main() -> None:
    """Measure, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", nargs="?", help="of a page with the samples; one is served if left out")
    address = parser.parse_args().address
    executable = chromium()
    if executable is None:
        sys.exit("No Chromium is installed (apt-get install chromium).")
    with open_browser(executable) as browser:
        if address:
            found = measure(browser, address)
        else:
            with page_over_samples(browser) as served:
                found = measure(browser, served)
    sys.stdout.write(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
