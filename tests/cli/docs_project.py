"""A small project of pages, and what `firstlight docs` says of it."""

from __future__ import annotations

from collections.abc import Callable

from cli.started import Ended

PAGE = """\
# Training 训练

🎉 Release 2 is out.

⚠️ Note: 第二步会用到它。
"""
FEELING = "docs/a.md:3:1: warning symbols.feeling: 🎉 has feeling, not function [fix]\n"
TWO = (
    "docs/a.md:5:1: warning symbols.two-functions: "
    "⚠️ is the symbol of “warning”, its word says “note” [unsafe fix]\n"
)
FIXED = PAGE.replace("🎉 ", "")

Docs = Callable[..., Ended]
"""Runs ``firstlight`` in the project, in this process."""
