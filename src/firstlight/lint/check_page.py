"""One page, all rules: what is found, what the page hides, what others need of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from firstlight.finding import Finding, Role, Span
from firstlight.lint.ignores import Ignore, hide, ignores, unknown, unused
from firstlight.lint.plan import Plan
from firstlight.lint.result import Found
from firstlight.lint.sources import Source, open_source
from firstlight.markdown.parse import parse

if TYPE_CHECKING:
    from firstlight.lint.rule import Given, Rule
    from firstlight.markdown.page import Page

__all__ = ["Checked", "check", "check_source", "failed", "placed"]


@dataclass(slots=True)
class Checked:
    """What one page gives.

    `found` is what is left after the page's own ignores, sorted; `marks` are these
    ignores, `idle` those of them that a finding of another page's rules may still
    need, each with the note to give when none does; `facts` are plain data, None
    unless wanted.
    """

    found: list[Found]
    marks: list[Ignore]
    idle: list[tuple[Ignore, Found]]
    facts: list[Any] | None = None


def check(data: bytes, path: str, given: Given, rules: Sequence[Rule]) -> list[Found]:
    """Return what rules that look at one page find in it, sorted.

    This is for editors: it reads and writes no file.

    Raises:
        UsageError: when it is a notebook that cannot be read.
    """
    plan = Plan(given=given, rules=tuple(rules))
    return check_source(open_source(path, data), plan).found


def check_source(
    source: Source, plan: Plan, *, with_facts: bool = False, with_sections: bool = True
) -> Checked:
    """Return what a plan finds in one page; see `firstlight.lint.facts.facts_of`."""
    page = parse(source.text, source.path, plan.given.lexicon)
    marks = ignores(page)
    left, used = hide(_findings(page, source, plan), marks)
    own = [*_invalid(source), *(unknown(marks, plan.codes) if marks else ())]
    idle = [
        mark
        for mark in marks
        if mark not in used and plan.judges(source.path, mark.name)
    ]
    waits = {mark for mark in idle if with_facts and plan.may_compare(mark.name)}
    own += [unused(mark) for mark in idle if mark not in waits]
    own = [each for each in own if plan.wants(source.path, each.code)]
    return Checked(
        found=placed((*left, *hide(own, marks)[0]), source, plan, page),
        marks=marks,
        idle=[(mark, source.found(unused(mark), page)) for mark in waits],
        facts=_facts(page, plan, with_sections) if with_facts else None,
    )


def placed(
    findings: Iterable[Finding], source: Source, plan: Plan, page: Page | None = None
) -> list[Found]:
    """Return findings of a page with their places, sorted, each once."""
    found = [source.found(_graded(each, plan), page) for each in findings]
    return sorted({(*each[1:3], each[4]): each for each in found}.values(), key=_order)


def _order(found: Found) -> tuple[object, ...]:
    return found.span, found.code, found.message


def _graded(finding: Finding, plan: Plan) -> Finding:
    role = plan.graded(finding)
    return finding if role == finding.role else replace(finding, role=role)


def _facts(page: Page, plan: Plan, with_sections: bool) -> list[Any]:
    from firstlight.lint.facts import facts_of

    given = plan.given_for(page.path)
    return facts_of(page, given, with_sections=with_sections).plain()


def _findings(page: Page, source: Source, plan: Plan) -> Iterator[Finding]:
    given = plan.given_for(source.path)
    for rule in plan.rules_for(source.path):
        if rule.check is None:
            continue
        try:
            yield from list(rule.check(page, given))
        except Exception as error:  # A rule's mistake costs its findings, not the run.
            yield failed(rule, error)


def failed(rule: Rule, error: Exception) -> Finding:
    """Return the finding that a rule cannot cope with a page."""
    return Finding(
        code="lint.rule-failed",
        role=Role.FAILURE,
        message=f"the rule {rule.code} failed here: {type(error).__name__}: {error}",
        hint=f'report it, and until then write ignore = ["{rule.code}"]',
        span=Span(0, 0),
    )


def _invalid(source: Source) -> Iterator[Finding]:
    try:
        source.text.decode("utf-8")
    except UnicodeDecodeError as error:
        yield Finding(
            code="lint.invalid-utf-8",
            role=Role.FAILURE,
            message=f"byte {error.start} is no UTF-8: {error.reason}",
            hint="save the file as UTF-8",
            span=Span(error.start, error.end),
        )
