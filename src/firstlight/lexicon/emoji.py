"""What Unicode says of each emoji: its name, age, exact spelling, shortcodes.

The list is read when something is asked that the tables of characters cannot answer;
a page with well-known symbols never needs it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

from firstlight.lexicon.symbols import (
    CHECK_MARKS,
    SYMBOL,
    TEXT_DEFAULT,
    TYPOGRAPHY,
    Symbol,
    bare,
    symbols,
)

__all__ = [
    "CHECK_MARKS",
    "SYMBOL",
    "TEXT_DEFAULT",
    "TYPOGRAPHY",
    "Emoji",
    "Symbol",
    "bare",
    "every",
    "from_shortcode",
    "has_skin_tone",
    "is_joined",
    "is_qualified",
    "known",
    "name_of",
    "needs_variant",
    "qualified",
    "shortcodes_of",
    "symbols",
    "version_of",
]

VARIANT = "\N{VARIATION SELECTOR-16}"
"""U+FE0F: show the character before it in colour."""
_JOINER = "\N{ZERO WIDTH JOINER}"
_TONES = frozenset("🏻🏼🏽🏾🏿")
_LIST = Path(__file__).with_name("emoji.tsv")


class Emoji(NamedTuple):
    """One line of Unicode's list: `symbol` is spelled exactly as it must be.

    `version` is that of Emoji in which it came; `shortcodes` are GitHub's and the name
    in CLDR with ``_``, without colons.
    """

    symbol: str
    version: float
    name: str
    shortcodes: tuple[str, ...]


def qualified(symbol: str) -> str:
    """Return the exact spelling: with U+FE0F where it must stand, and nowhere else.

    A symbol that Unicode does not list is returned as it is.
    """
    plain = bare(symbol)
    if len(plain) == 1:
        return plain + VARIANT if plain in TEXT_DEFAULT else plain
    found = known(symbol)
    return found.symbol if found else symbol


def is_qualified(symbol: str) -> bool:
    """Whether a symbol is spelled exactly as Unicode wants it."""
    return qualified(symbol) == symbol


def needs_variant(symbol: str) -> bool:
    """Whether the exact spelling contains U+FE0F."""
    return VARIANT in qualified(symbol)


def has_skin_tone(symbol: str) -> bool:
    """Whether a symbol has a colour of skin; other systems may draw another."""
    return not _TONES.isdisjoint(symbol)


def is_joined(symbol: str) -> bool:
    """Whether a symbol is several characters that old systems draw one by one."""
    return _JOINER in symbol


def known(symbol: str) -> Emoji | None:
    """Return what Unicode's list says of a symbol, however it is spelled."""
    line = _lines().get(bare(symbol))
    return _parsed(line) if line else None


def name_of(symbol: str) -> str:
    """Return the English name of a symbol, or "" when Unicode lists no such thing."""
    found = known(symbol)
    return found.name if found else ""


def version_of(symbol: str) -> float:
    """Return the version of Emoji in which a symbol came, 0 when in none."""
    found = known(symbol)
    return found.version if found else 0.0


def shortcodes_of(symbol: str) -> tuple[str, ...]:
    """Return the shortcodes of a symbol, without colons; GitHub's are first."""
    found = known(symbol)
    return found.shortcodes if found else ()


def from_shortcode(code: str) -> str:
    """Return the symbol of a shortcode without colons, or "".

    Where GitHub and CLDR mean two things by one word, it is GitHub's.
    """
    return _by_shortcode().get(code, "")


def every() -> list[Emoji]:
    """Return all emoji of the list, in the order of their characters."""
    return [_parsed(line) for line in _lines().values()]


@cache
def _lines() -> dict[str, str]:
    lines = _LIST.read_text(encoding="utf-8").split("\n")
    listed = (line for line in lines if line and not line.startswith("# "))
    return {line[: line.index("\t")].replace(VARIANT, ""): line for line in listed}


def _parsed(line: str) -> Emoji:
    symbol, version, name, *codes = line.split("\t")
    others = codes[0].split(" ") if codes else []
    code = name.replace(" ", "_").lower()
    return Emoji(symbol, float(version), name, tuple(dict.fromkeys((*others, code))))


@cache
def _by_shortcode() -> dict[str, str]:
    """All shortcodes; those of GitHub come last, since what is last is kept."""
    found = every()
    table = {each.shortcodes[-1]: each.symbol for each in found}
    return table | {c: each.symbol for each in found for c in each.shortcodes[:-1]}
