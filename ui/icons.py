"""The page's icons: strokes in the colour of the text around them, unseen by screen readers."""

from __future__ import annotations

from typing import Final

_PATHS: Final = {
    "again": "M4 10a6 6 0 1 0 2-4.5M4 3v3.5h3.5",
    "edit": "M4 16l.8-3.2L13 4.6a1.4 1.4 0 0 1 2 0l.4.4a1.4 1.4 0 0 1 0 2L7.2 15.2 4 16Z",
    "copy": "M7 7h8v9H7zM5 13H4.5V4H12v.8",
    "up": (
        "M4 9h2.5v7H4zM6.5 9.5 9.5 3.6c1.4 0 2 1 1.7 2.3L10.7 8.4h4.1c1 0 1.6.8 1.4 1.7l-1 4.6c-.2.8-.8 1.3-1.6 1.3H6.5"
    ),
    "down": (
        "M4 11h2.5V4H4zM6.5 10.5l3 5.9c1.4 0 2-1 1.7-2.3l-.5-2.5h4.1c1 0 1.6-.8 1.4-1.7l-1-4.6c-.2-.8-.8-1.3-1.6-1.3"
        "H6.5"
    ),
    "how": "M4 16V9M8 16V4M12 16v-5M16 16V7",
    "note": "M10 6.2v4.3M10 13.6v.1M10 2.8a7.2 7.2 0 1 0 0 14.4 7.2 7.2 0 0 0 0-14.4Z",
    "close": "M5 5l10 10M15 5 5 15",
    "send": "M10 16V4M5 9l5-5 5 5",
    "stop": "M6 6h8v8H6z",
    "receipt": "M10 3v9M6.5 8.8 10 12.3l3.5-3.5M4 16h12",
    "verify": "M10 2.8 4.5 5v4.6c0 3.3 2.2 6 5.5 7.4 3.3-1.4 5.5-4.1 5.5-7.4V5L10 2.8ZM7.5 9.8l1.8 1.8 3.3-3.5",
    "supported": "M5 10.5l3.3 3.3L15 7",
    "partly": "M5 10c1.6-2 3.4-2 5 0s3.4 2 5 0",
    "unsupported": "M10 5.5v5.5M10 14v.1",
    "contradicted": "M6 6l8 8M14 6l-8 8",
}


def icon(name: str) -> str:
    """Return an icon as SVG."""
    return (
        '<svg class="fn-svg" viewBox="0 0 20 20" width="18" height="18" aria-hidden="true" focusable="false">'
        f'<path d="{_PATHS[name]}" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round"'
        ' stroke-linejoin="round"/></svg>'
    )
