"""What a reader of the source is told about a symbol, a notice or a finding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from firstlight.finding import Span
from firstlight.lexicon.emoji import name_of, qualified
from firstlight.lexicon.symbols import Symbol
from firstlight.lexicon.table import Function, Lexicon
from firstlight.lint.guide import guide
from firstlight.lint.result import Found
from firstlight.lint.rules import page_of
from firstlight.markdown.notices import spoken
from firstlight.markdown.page import Notice, Page
from firstlight.markdown.symbols import of as symbols_of

__all__ = ["Told", "about_finding", "about_place", "guide_of"]


class Told(NamedTuple):
    """Markdown to show, and the bytes that it is about."""

    text: str
    span: Span


def about_place(page: Page, offset: int) -> Told | None:
    """Return what the symbol or the marker of a notice at a place means."""
    for symbol in page.once(symbols_of):
        if symbol.start <= offset <= symbol.end:
            text = _about_symbol(page, symbol)
            return Told(text, Span(symbol.start, symbol.end)) if text else None
    for notice in _notices(page):
        if notice.head.start <= offset < notice.head.end and notice.function:
            function = page.lexicon.functions[notice.function]
            return Told(_about_function(function, page), notice.head)
    return None


def _notices(page: Page) -> Iterator[Notice]:
    yield from (block.value for block in page.of("notice"))
    yield from page.once(spoken).values()


def _about_symbol(page: Page, symbol: Symbol) -> str:
    lexicon: Lexicon = page.lexicon
    is_chinese = page.language == "zh"
    function = lexicon.functions.get(lexicon.function_of(symbol.text))
    if function is None:
        name = name_of(symbol.text) or symbol.text
        if is_chinese:
            return f"{symbol.text} {name}\n\n在视觉语法中没有功能。"
        return f"{symbol.text} {name}\n\nIt has no function in the visual grammar."
    text = _about_function(function, page)
    if not lexicon.is_primary(symbol.text):
        other = qualified(function.symbol)
        text += f"\n\n请改用 {other}。" if is_chinese else f"\n\nWrite {other} instead."
    return text


def _about_function(function: Function, page: Page) -> str:
    words = (function.english, function.chinese)
    meaning = page.lexicon.meaning(function.name, page.language)
    if page.language == "zh":
        words = words[::-1]
    text = f"{function.symbol} **{words[0]}** · {words[1]}\n\n{meaning}"
    return f"{text}\n\nGitHub: `[!{function.alert}]`" if function.alert else text


def about_finding(found: Found, language: str) -> str:
    """Return what is wrong, what to do, and why, in the language of the page."""
    parts = [f"**{found.code}**: {_plain(found.message)}"]
    if found.hint:
        parts.append(_plain(found.hint))
    try:
        told = guide(found.code)
    except KeyError:
        return "\n\n".join(parts)
    why = told.chinese if language == "zh" and told.chinese else told.english
    parts.append(why)
    link = guide_of(found.code)
    return "\n\n".join((*parts, f"[{found.code}]({link})" if link else "")).rstrip()


def guide_of(code: str) -> str:
    """Return the URI of the page of a rule, empty where there is none."""
    path = page_of(code)
    return path.as_uri() if path.is_file() else ""


_ESCAPED = str.maketrans({each: f"\\{each}" for each in "*_<[]"})


def _plain(text: str) -> str:
    """Text that is shown as it is: no part of it is markup, but code stays code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return text.translate(_ESCAPED).replace("`", "\\`")
    return "`".join(
        part if at % 2 else part.translate(_ESCAPED) for at, part in enumerate(parts)
    )
