"""Findings as people read them: where and what, the line itself, what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from firstlight.finding import Role
from firstlight.lint.result import Found
from firstlight.lint.terminal import Style, cells, visible, widths, window
from firstlight.report import words

__all__ = ["concise_line", "finding_lines", "statistics"]

_LEAST = 40
"""Columns that a line of the source gets in the narrowest terminal."""


def finding_lines(found: Found, style: Style) -> Iterator[str]:
    """Yield what a person needs to understand a finding and put it right."""
    word = style.paint(found.role, words(found.role, symbols=style.symbols))
    where = style.paint("bold", visible(found.where))
    message = visible(found.message)
    yield f"{where} {word} {style.paint('dim', found.code)}: {message}"
    yield from _excerpt(found, style)
    if found.hint and not (found.fix and found.fix.title == found.hint):
        yield f"  hint: {visible(found.hint)}"
    if found.fix is not None:
        how = "--fix" if found.fix.safe else "needs your judgement: --unsafe-fixes"
        yield f"  fix: {visible(found.fix.title)} ({how})"


def _excerpt(found: Found, style: Style) -> Iterator[str]:
    """Yield the line with its number, and carets below what was found."""
    text = visible(found.excerpt)
    if not text.strip():
        return
    number = f"{found.line:>5}"
    room = max(_LEAST, style.width - len(number) - 4)
    length = len(text)
    if found.end_line == found.line:
        length = found.end_column - found.column
    end = min(found.caret + max(length, 1), len(text))
    piece, start, end = window(text, found.caret, end, room)
    taken = widths(piece)
    carets = "^" * max(sum(taken[start:end]), 1)
    gap = " " * sum(taken[:start])
    yield f"{style.paint('dim', f'{number} {style.bar}')} {piece}"
    bar = style.paint("dim", f"{'':>5} {style.bar}")
    yield f"{bar} {gap}{style.paint(found.role, carets)}"


def concise_line(found: Found) -> str:
    """Return a finding on one line, in the form that editors and `grep` know."""
    mark = ""
    if found.fix is not None:
        mark = " [fix]" if found.fix.safe else " [unsafe fix]"
    head = f"{visible(found.where)}: {found.role} {found.code}"
    return f"{head}: {visible(found.message)}{mark}"


def statistics(found: Sequence[Found], style: Style) -> Iterator[str]:
    """Yield how often each rule found something, the most frequent first."""
    counts = Counter(each.code for each in found)
    fixable = Counter(each.code for each in found if each.fix and each.fix.safe)
    roles = {each.code: each.role for each in found}
    codes = sorted(counts, key=lambda code: (-counts[code], code))
    width = max((len(code) for code in codes), default=0)
    labels = {role: words(role, symbols=style.symbols) for role in Role}
    room = max((cells(labels[roles[code]]) for code in codes), default=0)
    for code in codes:
        label = labels[roles[code]]
        label = style.paint(roles[code], label) + " " * (room - cells(label))
        mended = f"  --fix mends {fixable[code]}" if fixable[code] else ""
        yield f"{counts[code]:>6}  {label}  {code:<{width}}{mended}".rstrip()
