"""Findings put right: edits made until nothing is left to do, and proven harmless.

After each pass the page is rendered before and after, and a fix that changes more than
its rule may is withheld. So no mistake of a rule costs a page its meaning.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise

from firstlight.errors import UsageError
from firstlight.finding import Edit, Finding, Fix, Keeps, Role, Span
from firstlight.lint.check_page import Checked, check_source, placed
from firstlight.lint.plan import Plan
from firstlight.lint.result import Found
from firstlight.lint.sources import Source
from firstlight.markdown.render import same

__all__ = ["Fixed", "fix_source", "has_fix"]

_PASSES = 20
_ORDER = tuple(Keeps)
"""From the fixes that may change least to those that may change most."""


@dataclass(slots=True)
class Fixed:
    """A page after its fixes: what it is now, what is left, what was done by rule."""

    source: Source
    checked: Checked
    made: Counter[str] = field(default_factory=Counter)


def has_fix(found: Found, *, unsafe: bool) -> bool:
    """Whether a finding has a fix that may be made."""
    return found.fix is not None and (found.fix.safe or unsafe)


def fix_source(
    source: Source,
    plan: Plan,
    *,
    unsafe: bool = False,
    with_facts: bool = False,
    more: Sequence[Found] = (),
) -> Fixed:
    """Return a page with every fix made that may be.

    Args:
        source: The page; it is not changed.
        plan: Which rules look at it.
        unsafe: Also make fixes that may need a person's judgement.
        with_facts: Also return the facts of the page as it is then.
        more: Findings of rules that compare pages, to be fixed first.
    """
    return _Fixing(source, plan, unsafe, with_facts).done(more)


class _Fixing:
    def __init__(
        self, source: Source, plan: Plan, unsafe: bool, with_facts: bool
    ) -> None:
        self._source = source
        self._plan = plan
        self._unsafe = unsafe
        self._with_facts = with_facts
        self._made: Counter[str] = Counter()
        self._withheld: set[tuple[str, str]] = set()
        self._keeps = {rule.code: rule.keeps or Keeps.HTML for rule in plan.rules}

    def done(self, more: Sequence[Found]) -> Fixed:
        """Make passes until there is nothing to do, or rules are seen to fight."""
        seen = {self._source.text}
        checked = self._check()
        last: list[Found] = []
        for _ in range(_PASSES):
            withheld = len(self._withheld)
            made = self._pass([*checked.found, *more])
            more = ()
            if not made and len(self._withheld) == withheld:
                break
            if not made:
                continue  # What one withheld stood in the way of is made now.
            checked, last = self._check(), made
            if self._source.text in seen:
                checked.found += self._notes([_conflict(last)])
                break
            seen.add(self._source.text)
        else:
            checked.found += self._notes([_conflict(last)] if last else [])
        held = [each for each in checked.found if _key(each) in self._withheld]
        checked.found += self._notes(map(_withheld, held))
        return Fixed(self._source, checked, self._made)

    def _check(self) -> Checked:
        return check_source(self._source, self._plan, with_facts=self._with_facts)

    def _notes(self, findings: Iterable[Finding]) -> list[Found]:
        path = self._source.path
        wanted = (f for f in findings if self._plan.wants(path, f.code))
        return placed(wanted, self._source, self._plan)

    def _pass(self, found: Sequence[Found]) -> list[Found]:
        """Make the fixes that do not touch each other; the rest wait for a next pass.

        Those that may change least come first, and each group is compared by itself,
        so that none hides behind another that may change more.
        """
        chosen = _apart(
            [
                each
                for each in found
                if has_fix(each, unsafe=self._unsafe)
                and _key(each) not in self._withheld
            ]
        )
        made: list[Found] = []
        by_keeps = sorted(chosen, key=self._rank)
        for _, group in groupby(by_keeps, key=self._rank):
            made += self._harmless(list(group), made)
        if made:
            edited = self._edited(made)
            if edited is None:
                return []
            self._source = edited
            self._made.update(each.code for each in made)
        return made

    def _rank(self, found: Found) -> int:
        return _ORDER.index(self._keeps.get(found.code, Keeps.HTML))

    def _harmless(self, group: list[Found], made: list[Found]) -> list[Found]:
        """Return those of a group that keep what they must; halves find the others."""
        before, after = self._edited(made), self._edited([*made, *group])
        keeps = _ORDER[self._rank(group[0])]
        if before and after and self._is_same(before, after, keeps):
            return group
        if len(group) == 1:
            self._withheld.add(_key(group[0]))
            return []
        middle = len(group) // 2
        first = self._harmless(group[:middle], made)
        return first + self._harmless(group[middle:], [*made, *first])

    def _is_same(self, before: Source, after: Source, keeps: Keeps) -> bool:
        return same(before.text, after.text, keeps, self._plan.given.lexicon)

    def _edited(self, made: Sequence[Found]) -> Source | None:
        edits = sorted(edit for each in made for edit in _fix(each).edits)
        try:
            return self._source.edited(edits)
        except UsageError:
            return None  # A notebook that can only be read.


def _fix(found: Found) -> Fix:
    return found.fix or Fix("", ())


def _key(found: Found) -> tuple[str, str]:
    return found.code, found.fingerprint + found.message


def _apart(found: Iterable[Found]) -> list[Found]:
    """Choose findings, first come first served, whose edits do not touch."""
    taken: list[Span] = []
    chosen = []
    for each in sorted(found, key=lambda each: min(_fix(each).edits)):
        edits = sorted(_fix(each).edits)
        if _overlap(edits) or any(_touches(taken, edit.span) for edit in edits):
            continue
        for edit in edits:
            insort(taken, edit.span)
        chosen.append(each)
    return chosen


def _overlap(edits: Sequence[Edit]) -> bool:
    return any(a.span.end > b.span.start for a, b in pairwise(edits))


def _touches(taken: list[Span], span: Span) -> bool:
    at = bisect_left(taken, span)
    before = at > 0 and taken[at - 1].end >= span.start
    return before or (at < len(taken) and taken[at].start <= span.end)


def _conflict(last: Sequence[Found]) -> Finding:
    codes = sorted({each.code for each in last})
    return Finding(
        code="lint.fix-conflict",
        role=Role.WARNING,
        message=f"fixes undo each other: {', '.join(codes)}",
        hint=f'choose, and write ignore = ["{codes[0]}"]',
        span=Span(0, 0),
    )


def _withheld(found: Found) -> Finding:
    return Finding(
        code="lint.fix-withheld",
        role=Role.NOTE,
        message=f"the fix of {found.code} would change what readers see",
        hint="put it right by hand",
        span=found.span,
    )
