"""The look: Gradio's theme with our colours and no fonts from elsewhere, and the files that go with it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import gradio as gr

_FOLDER = Path(__file__).parent
STYLE: Final = _FOLDER / "style.css"
SCRIPT: Final = _FOLDER / "page.js"
PARTS_STYLE: Final = _FOLDER / "parts.css"
PARTS_SCRIPT: Final = _FOLDER / "parts.js"
FAVICON: Final = _FOLDER / "favicon.svg"

_SANS = ("-apple-system", "Segoe UI", "Roboto", "Inter", "Helvetica Neue", "Arial", "sans-serif")
_MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "DejaVu Sans Mono", "monospace")

HEAD: Final = '<meta name="color-scheme" content="light dark">'

HEADER: Final = """
<a class="fn-skip" href="#fn-question">Skip to the question</a>
<header class="fn-top">
  <h1 class="fn-brand">Footnote<sup aria-hidden="true">1</sup></h1>
  <button type="button" class="fn-icon" data-fn="theme" aria-label="Switch between light and dark">
    <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true"><path fill="currentColor"
      d="M10 2a8 8 0 1 0 0 16 8 8 0 0 0 0-16Zm0 1.6v12.8a6.4 6.4 0 0 1 0-12.8Z"/></svg>
  </button>
</header>
"""


def theme() -> gr.themes.Base:
    """Return the theme: paper and ink, one accent; its variables are those of style.css."""
    return gr.themes.Base(
        primary_hue=gr.themes.colors.indigo,
        neutral_hue=gr.themes.colors.stone,
        font=list(_SANS),
        font_mono=list(_MONO),
        radius_size=gr.themes.sizes.radius_md,
    ).set(
        body_background_fill="var(--fn-paper)",
        body_background_fill_dark="var(--fn-paper)",
        body_text_color="var(--fn-ink)",
        body_text_color_dark="var(--fn-ink)",
        block_background_fill="var(--fn-paper)",
        block_background_fill_dark="var(--fn-paper)",
        block_border_width="0px",
        block_shadow="none",
        input_background_fill="var(--fn-card)",
        input_background_fill_dark="var(--fn-card)",
        input_border_color="var(--fn-line)",
        input_border_color_dark="var(--fn-line)",
        button_primary_background_fill="var(--fn-accent)",
        button_primary_background_fill_dark="var(--fn-accent)",
        button_primary_background_fill_hover="var(--fn-accent-strong)",
        button_primary_background_fill_hover_dark="var(--fn-accent-strong)",
        button_primary_text_color="var(--fn-on-accent)",
        button_primary_text_color_dark="var(--fn-on-accent)",
        button_secondary_background_fill="var(--fn-card)",
        button_secondary_background_fill_dark="var(--fn-card)",
        button_secondary_text_color="var(--fn-ink)",
        button_secondary_text_color_dark="var(--fn-ink)",
    )
