"""Whether dangers and warnings can be seen before it is too late."""

from __future__ import annotations

from collections.abc import Iterator

from firstlight.finding import Span
from firstlight.lint.markers import runs
from firstlight.lint.notices import holder_of, notices
from firstlight.lint.rule import Given
from firstlight.lint.rules import notices_buried_hazard as buried_hazard
from firstlight.lint.rules import notices_hazard_after_command as after_command
from firstlight.mark.hazard import hazards
from firstlight.markdown.page import Page
from firstlight.score.part import Counts, Measured, Part, Problem, broken

__all__ = ["PART"]

_BAD = ("danger", "warning")
_SURE = 0.9
_UNMARKED = 0.5
"""What a hazard is worth that begins its block, but has no mark."""


def measure(page: Page, given: Given) -> Measured:
    """Count the hazards, and how far they can be seen."""
    told = page.once(_told)
    if not told:
        return Measured((0.0, 0.0, 0.0))
    late = {found.span for found in broken(page, given, after_command.RULE)}
    buried = {found.span for found in broken(page, given, buried_hazard.RULE)}
    late_starts = {span.start for span in late if span}
    worth, hidden = 0.0, 0
    problems = []
    for start, (span, function, is_marked) in told.items():
        symbol = given.lexicon.functions[function].symbol
        word = given.lexicon.word(function, page.language)
        if start in late_starts:
            gain, action = 1.0, f"move this {function} before the command it is about"
        elif span in buried:
            gain, action = 1.0, f"give it a block of its own: {symbol} **{word}**"
        elif is_marked:
            gain, action = 0.0, ""
        else:
            gain, action = 1 - _UNMARKED, f"mark it: {symbol} **{word}**"
        worth += 1 - gain
        hidden += gain == 1
        if gain:
            mended = (0.0, gain, -1.0 * (gain == 1))
            problems.append(Problem(span, action, mended))
    return Measured((len(told), worth, hidden), problems)


def _told(page: Page) -> dict[int, tuple[Span, str, bool]]:
    """Where each hazard begins -> its span, function, and whether it is marked."""
    found: dict[int, tuple[Span, str, bool]] = {}
    holders = set()
    for number, notice in page.once(notices):
        if notice.function in _BAD:
            holders.add(number)
            block = page.blocks[number]
            found[block.start] = block.span, notice.function, True
    for span, severity, block_number in _sentences(page):
        holder = holder_of(page, block_number)
        if holder is None or holder[0] not in holders:
            is_marked = holder is not None or block_number in page.once(_signed)
            found.setdefault(span.start, (span, severity, is_marked))
    return found


def _sentences(page: Page) -> Iterator[tuple[Span, str, int]]:
    for hazard in page.once(hazards):
        if hazard.severity in _BAD and hazard.confidence >= _SURE:
            yield hazard.span, hazard.severity, hazard.block


def _signed(page: Page) -> frozenset[int]:
    """Blocks with a symbol at the start of a line."""
    return frozenset(run.block for run in page.once(runs) if run.is_marker)


def score(counts: Counts) -> float | None:
    """Return how far hazards can be seen on average."""
    total, worth, _ = counts
    return 100 * worth / total if total else None


def tell(counts: Counts) -> str:
    """Say how many hazards there are, and how many are hidden."""
    total, _, hidden = counts
    return f"{hidden:.0f} of {total:.0f} are buried or come too late"


PART = Part(
    name="hazards",
    about="A hazard in the middle of a paragraph, or after the command, is not seen.",
    good="each has a mark and a block of its own, before the step it concerns",
    formula="100 × seen / hazards; 1 seen for a mark, ½ for one that begins a block "
    "without a mark, 0 inside a paragraph or after its command",
    counted=("hazards", "seen", "hidden"),
    measure=measure,
    score=score,
    tell=tell,
)
