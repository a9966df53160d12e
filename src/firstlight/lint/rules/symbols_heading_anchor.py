"""A symbol that gives its heading different anchors on different sites. Links break."""

from __future__ import annotations

from collections.abc import Iterator

from firstlight.finding import Edit, Finding, Fix, Keeps, Role, Span
from firstlight.lexicon.emoji import needs_variant
from firstlight.lint.markers import Run, runs
from firstlight.lint.rule import Given, Rule
from firstlight.markdown.page import Block, Page
from firstlight.markdown.slugs import SLUGGERS, slug

__all__ = ["RULE", "check"]


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Yield symbols in headings without an id; nobody links to the title of a page."""
    for run in page.once(runs):
        heading = page.blocks[run.block]
        if heading.kind != "heading" or heading.value == 1 or _has_id(page, heading):
            continue
        message = _message(page, run, heading, given)
        if message:
            yield Finding(
                code=RULE.code,
                role=RULE.role,
                message=message,
                hint="take a symbol without U+FE0F, or give the heading an id",
                span=Span(run.start, run.end),
                fix=_fix(page, run, heading, given),
            )


def _has_id(page: Page, heading: Block) -> bool:
    return page.data[heading.text.end : heading.end].rstrip(b"# ").endswith(b"}")


def _message(page: Page, run: Run, heading: Block, given: Given) -> str:
    for symbol in run.symbols:
        if needs_variant(symbol.text):
            return f"{symbol.text} needs U+FE0F, which some sites keep in the anchor"
    targets = sorted(given.targets)
    anchors = [slug(page.text(heading), target) for target in targets]
    if len(set(anchors)) < 2:
        return ""
    bare = _without(page, run, heading)
    if len({slug(bare, target) for target in targets}) > 1:
        return ""  # The anchors differ without the symbol too.
    other = next(at for at, anchor in enumerate(anchors) if anchor != anchors[0])
    return (
        f"{run.symbols[0].text} makes {_short(anchors[0])} on {targets[0]}, "
        f"{_short(anchors[other])} on {targets[other]}"
    )


def _short(anchor: str) -> str:
    return f"#{anchor}" if len(anchor) <= 24 else f"#{anchor[:23]}…"


def _without(page: Page, run: Run, heading: Block) -> str:
    before = page.read(Span(heading.text.start, run.start))
    return f"{before} {page.read(Span(run.end, heading.text.end))}".strip()


def _fix(page: Page, run: Run, heading: Block, given: Given) -> Fix | None:
    anchor = slug(_without(page, run, heading), "pymdownx")
    if not anchor or not all(SLUGGERS[each].reads_ids for each in given.targets):
        return None
    at = heading.text.end
    edit = Edit(Span(at, at), f" {{#{anchor}}}".encode())
    # The old anchor goes, and with it the links to it.
    return Fix("give the heading an id", (edit,), safe=False)


RULE = Rule(
    code="symbols.heading-anchor",
    check=check,
    role=Role.NOTE,
    keeps=Keeps.TEXT,
)
