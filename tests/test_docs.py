"""Pages that are written by a program are what the program writes today."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent / "docs"


def test_the_page_of_commands_is_current() -> None:
    made = runpy.run_path(str(DOCS / "generate.py"))["page"]()
    there = (DOCS / "cli.md").read_text(encoding="utf-8")
    assert there == made, "run `python docs/generate.py`"
