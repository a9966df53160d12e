"""The kinds of cue words: what goes wrong, and how a text speaks."""

from __future__ import annotations

__all__ = ["HARMS", "KINDS", "LISTED", "SPEECH"]

HARMS = (
    *("loss", "irreversible", "exposure", "cost", "hardware"),
    *("failure", "wrong-result", "downtime", "conflict"),
    *("limit", "deprecated", "experimental"),
)
"""Kinds of cues that tell what goes wrong, from worst to mildest."""

SPEECH = (
    *("prohibition", "modal", "cause", "condition", "otherwise", "hedge"),
    *("imperative", "destructive", "result", "tip", "key", "note"),
    *("security", "access", "performance", "data", "interface", "troubleshooting"),
    *("order", "placeholder", "past", "safe"),
)
"""Kinds of cues that tell how a text speaks, and about what."""

LISTED = ("vague-link",)
"""Kinds that are compared with a whole text (`words`), and not looked for in one."""

KINDS = (*HARMS, *SPEECH, *LISTED)
"""Every kind of cue."""
