from __future__ import annotations

from tests.cli.conftest import footnote

__all__ = ["footnote"]
