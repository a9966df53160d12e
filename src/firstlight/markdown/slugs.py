"""From the text of a heading to its anchor, as each place that shows pages makes it.

The same heading has other anchors elsewhere: GitHub keeps Chinese and drops symbols,
MkDocs drops Chinese, VitePress keeps symbols, JupyterLab keeps capitals. A link that
works in one place may be dead in the next.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["SLUGGERS", "Slugger", "slug", "unique"]


class Slugger(NamedTuple):
    """How one place makes anchors: of one heading, and of those that look alike.

    `make` turns the text of a heading into an anchor. A second one like it gets
    `joint` and a number; with `joint` empty both have the same anchor and a link
    reaches the first. `reads_ids` says whether ``{#id}`` after a heading names it.
    """

    make: Callable[[str], str]
    joint: str = "-"
    reads_ids: bool = False


def slug(text: str, target: str) -> str:
    """Return the anchor of a heading with this text, were it alone on its page."""
    return SLUGGERS[target].make(text)


def unique(anchors: Iterable[str], joint: str, taken: Iterable[str] = ()) -> list[str]:
    """Return anchors with numbers behind those that would not be the only ones.

    `taken` are those that headings chose themselves. An empty anchor stays empty
    with the joint ``-``; MkDocs, whose joint is ``_``, numbers it like the others.
    """
    if not joint:
        return list(anchors)
    used = dict.fromkeys(taken, 0)
    return [_numbered(anchor, joint, used) for anchor in anchors]


def _numbered(anchor: str, joint: str, used: dict[str, int]) -> str:
    stem, count = anchor, 0
    if joint == "_" and (ends := _COUNTED.fullmatch(anchor)) and anchor in used:
        stem, count = ends[1], int(ends[2])
    found = anchor
    while found in used or (joint == "_" and not found):
        count = used[stem] = max(count, used.get(stem, 0)) + 1
        found = f"{stem}{joint}{count}"
    used.setdefault(found, 0)
    return found


_COUNTED = re.compile(r"(.*)_([0-9]+)")


def _github(text: str) -> str:
    """As GitHub: letters, marks, digits, ``_`` and ``-`` stay, and spaces are ``-``.

    U+FE0F is a mark, so of ``⚠️`` it alone stays: an anchor nobody can type.
    """
    text = text.lower()
    if text.isascii():
        kept = _NOT_ASCII_WORD.sub("", text)
    else:
        kept = "".join(filter(_is_word, text))
    return kept.replace(" ", "-")


_NOT_ASCII_WORD = re.compile(r"[^a-z0-9_\- ]")
_WORD = frozenset(("Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "Pc"))


def _is_word(character: str) -> bool:
    return (
        character in "- "
        or unicodedata.category(character) in _WORD
        # Letters in circles and squares count as letters, so 🅰 stays and 🔧 does not.
        or "\u24b6" <= character <= "\u24e9"
        or "\U0001f130" <= character <= "\U0001f189"
    )


def _vscode(text: str) -> str:
    return _github(text.strip())


def _gitlab(text: str) -> str:
    anchor = re.sub("-{2,}", "-", _github(text.strip()))
    return f"anchor-{anchor}" if anchor.isdigit() else anchor


def _mkdocs(text: str) -> str:
    """As Python-Markdown by default, so MkDocs and Zensical: ASCII only."""
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    kept = re.sub(r"[^\w\s-]", "", ascii_only).strip().lower()
    return re.sub(r"[-\s]+", "-", kept)


def _pymdownx(text: str) -> str:
    """As MkDocs and Zensical with ``pymdownx.slugs.slugify`` and ``case: lower``."""
    kept = unicodedata.normalize("NFC", text).strip().lower()
    return re.sub(r"[^\w\- ]", "", kept).replace(" ", "-")


def _myst(text: str) -> str:
    """As MyST-Parser, whose words have no marks: it drops U+FE0F."""
    return re.sub(r"[^\w\- ]", "", text.lower().replace(" ", "-"))


def _jupyter(text: str) -> str:
    return text.replace(" ", "-")


def _vitepress(text: str) -> str:
    """As VitePress: what is no ASCII punctuation stays, symbols too."""
    plain = _ACCENTS.sub("", unicodedata.normalize("NFKD", text))
    joined = _PUNCTUATION.sub("-", _CONTROLS.sub("", plain)).strip("-")
    return ("_" + joined if joined[:1] in _DIGITS else joined).lower()


_ACCENTS = re.compile("[\u0300-\u036f]")
_CONTROLS = re.compile("[\0-\x1f]")
_PUNCTUATION = re.compile(r"""[\s~`!@#$%^&*()\-_+=[\]{}|\\;:"'“”‘’<>,.?/]+""")
_DIGITS = tuple("0123456789")

SLUGGERS = MappingProxyType(
    {
        "github": Slugger(_github),
        "gitlab": Slugger(_gitlab),
        "vscode": Slugger(_vscode),
        "jupyter": Slugger(_jupyter, joint=""),
        "mkdocs": Slugger(_mkdocs, joint="_", reads_ids=True),
        "zensical": Slugger(_mkdocs, joint="_", reads_ids=True),
        "pymdownx": Slugger(_pymdownx, joint="_", reads_ids=True),
        "docusaurus": Slugger(_github, reads_ids=True),
        "vitepress": Slugger(_vitepress, reads_ids=True),
        "myst": Slugger(_myst, reads_ids=True),
    }
)
"""Target -> how it makes anchors."""
