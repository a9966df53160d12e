"""What a text tells its reader to do: the verbs that open a clause as commands."""

from __future__ import annotations

import re
from typing import NamedTuple

from firstlight.finding import Span
from firstlight.lexicon.cues import STRONG, find
from firstlight.markdown.page import Page

__all__ = ["CLICKS", "Action", "actions", "opening"]

_OPENS = re.compile(
    rb"(?:[,;.!]|\b(?:and|then|next|now|first|finally)\b,?|->|\xe2\x86\x92"
    # ，；。、 and 并 然后 再 接着 请 最后 首先
    rb"|\xef\xbc[\x8c\x9b]|\xe3\x80[\x82\x81]|\xe5\xb9\xb6|\xe7\x84\xb6\xe5\x90\x8e"
    rb"|\xe5\x86\x8d|\xe6\x8e\xa5\xe7\x9d\x80|\xe8\xaf\xb7|\xe6\x9c\x80\xe5\x90\x8e"
    rb"|\xe9\xa6\x96\xe5\x85\x88)[\s_]*\Z",
    re.I,
)
_FIRST = re.compile(
    rb"\s*(?:(?:first|then|next|now|finally)\b,?\s*"
    # 首先 然后 接着 接下来 最后 再 请 ，
    rb"|\xe9\xa6\x96\xe5\x85\x88|\xe7\x84\xb6\xe5\x90\x8e|\xe6\x8e\xa5\xe7\x9d\x80"
    rb"|\xe6\x8e\xa5\xe4\xb8\x8b\xe6\x9d\xa5|\xe6\x9c\x80\xe5\x90\x8e|\xe5\x86\x8d"
    rb"|\xe8\xaf\xb7|\xef\xbc\x8c)*",
    re.I,
)
_ASIDE = frozenset(
    (
        *("see", "note", "use", "try", "follow", "refer to", "remember", "consider"),
        *("avoid", "keep", "leave", "ensure", "make sure", "wait", "confirm", "repeat"),
        *(
            "参考",
            "参见",
            "参阅",
            "注意",
            "使用",
            "确保",
            "等待",
            "避免",
            "保持",
            "查看",
        ),
    )
)
"""Verbs that tell what to know or heed, and are no step of their own."""
_LOOKS_BACK = 24
_PURPOSE = re.compile(
    rb"\b(?:to|will|can|automatically)\b[^,;.]*\band\s*\Z"
    # 自动, and no ， or 。 after it
    rb"|\xe8\x87\xaa\xe5\x8a\xa8(?:(?!\xef\xbc\x8c|\xe3\x80\x82)[\s\S])*\Z",
    re.I,
)
"""``Click it to compile and install``: the second verb belongs to the purpose."""
_OBJECT = 6
"""Bytes of an object, at least; "and" and "并" are none."""

CLICKS = frozenset(
    (
        *("click", "select", "choose", "press", "tap", "check", "enter", "type"),
        *("点击", "单击", "双击", "选择", "选中", "勾选", "输入"),
    )
)
"""Verbs for what one does in a window."""
_HAPPENS = frozenset(("进入", "打开", "open", "enter"))


class Action(NamedTuple):
    """A verb, and where it stands."""

    start: int
    word: str


def _verbs(page: Page, span: Span) -> list[Action]:
    """Every verb of a text that may be a command, in order; few texts are asked for."""
    known = page.once(_known)
    if span not in known:
        found = find(page.prose[span.start : span.end], page.lexicon, ("imperative",))
        known[span] = [
            Action(span.start + cue.start, cue.word)
            for cue in found.get("imperative", ())
            if cue.weight == STRONG and cue.word not in _ASIDE
        ]
    return known[span]


def _known(page: Page) -> dict[Span, list[Action]]:
    """The verbs of each text; filled as they are asked for."""
    return {}


def opening(page: Page, number: int) -> str:
    """Return the verb that a block begins with as a command, or nothing.

    A word of order may stand before it: ``Then open it``.
    """
    text = page.blocks[number].text
    first = _FIRST.match(page.prose, text.start, text.end)
    if first is None or first.end() == text.end:
        return ""
    words = dict(_verbs(page, text))
    return words.get(first.end(), "")


def actions(page: Page, span: Span) -> list[Action]:
    """Return the verbs of a text that open a clause, each with something to act on.

    ``Create and configure it`` is one action; what opens because of a click is none.
    """
    taken: list[Action] = []
    for action in _verbs(page, span):
        before = taken[-1] if taken else None
        if before is not None and _is_joined(page, before, action):
            continue
        if _opens(page, span.start, action.start):
            taken.append(action)
    return taken


def _is_joined(page: Page, before: Action, action: Action) -> bool:
    """Whether a verb shares its object with the verb before, or says what that does."""
    if before.word in CLICKS and action.word in _HAPPENS:
        return True
    between = page.prose[before.start : action.start]
    if _PURPOSE.search(between):
        return True
    return len(b"".join(between.split())) < len(before.word.encode()) + _OBJECT


def _opens(page: Page, start: int, offset: int) -> bool:
    before = page.prose[max(start, offset - _LOOKS_BACK) : offset]
    return not before.strip() or _OPENS.search(before) is not None
