"""Symbol and word for what is typed where a block begins: ``:warn``, ``提示``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from firstlight.finding import Span
from firstlight.lexicon.emoji import needs_variant, shortcodes_of
from firstlight.lexicon.table import Function, plain_word
from firstlight.markdown.page import Page, language_of

__all__ = ["Completion", "completions"]

_START = re.compile(
    r"(?P<around>(?:[ \t]*(?:>|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t])))*[ \t]*)"
    r"(?P<heading>#{1,6}[ \t]+)?(?P<typed>[:：]?[^\W\d_]?[\w' -]{0,24})"
)
"""A line up to the cursor, when what is typed is the first of its block."""
_CLOSED = ("fence", "indented", "html", "front")


class Completion(NamedTuple):
    """One function: `label` is shown, `text` comes in the place of `span`.

    `typed` is what stands there, by which an editor sees that it fits.
    """

    label: str
    detail: str
    about: str
    text: str
    span: Span
    typed: str


def completions(page: Page, offset: int, line: str, form: str = "") -> list[Completion]:
    """Return the functions that what is typed before a place can mean.

    Args:
        page: The page.
        offset: The place.
        line: The text of its line before it.
        form: The form of notices that the project wants, empty for symbols.
    """
    _, bar, cell = line.rpartition("|")
    is_cell = bool(bar) and line.lstrip("> \t").startswith("|")
    found = _START.fullmatch(cell if is_cell else line)
    if found is None or _is_code(page, offset):
        return []
    typed = found["typed"]
    said = plain_word(typed).removeprefix(":")
    language = language_of(typed.encode()) if said else page.language
    if said and said.isascii():
        language = page.language
    span = Span(offset - len(typed.encode()), offset)
    made = []
    for function in page.lexicon.functions.values():
        word = _word(function, said, language)
        if word and not (found["heading"] and needs_variant(function.symbol)):
            text = _text(function, word, form, language)
            if is_cell or found["heading"]:
                text = f"{function.symbol} {word}"
            elif form == "alert" and function.alert and not found["around"]:
                text = f"> [!{function.alert}]\n> "
            about = page.lexicon.meaning(function.name, language)
            label = f"{function.symbol} {word}"
            made.append(Completion(label, function.name, about, text, span, typed))
    return made


def _is_code(page: Page, offset: int) -> bool:
    for place in (offset, offset - 1):
        number = page.at(place)
        if number >= 0:
            return page.blocks[number].kind in _CLOSED
    return False


def _word(function: Function, said: str, language: str) -> str:
    """The word to write, empty when what is said means something else.

    A word that only goes with the symbol is written as it is; others announce the
    function by themselves, and its own word is the one to read everywhere.
    """
    own = function.chinese if language == "zh" else function.english
    names = (function.name, function.english.lower(), function.chinese)
    if any(each.startswith(said) for each in names):
        return own
    for word in function.companions:
        if word.startswith(said) and word.isascii() == (language != "zh"):
            return word[:1].upper() + word[1:]
    others = (*function.words, *function.companions, *_codes(function))
    return own if any(each.startswith(said) for each in others) else ""


def _codes(function: Function) -> Iterator[str]:
    for symbol in (function.symbol, *function.aliases):
        yield from shortcodes_of(symbol)


def _text(function: Function, word: str, form: str, language: str) -> str:
    label = f"**{word}**{'：' if language == 'zh' else ': '}"
    return label if form == "bold" else f"{function.symbol} {label}"
