"""A notice of a type that does not exist. It is drawn as text, or as any other one."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from firstlight.finding import Edit, Finding, Fix, Keeps, Role, Span
from firstlight.lint.rule import Given, Rule
from firstlight.markdown.notices import spoken
from firstlight.markdown.page import Notice, Page

__all__ = ["RULE", "check"]

_OWN_TYPES = (
    *("note", "abstract", "summary", "tldr", "info", "todo", "tip", "hint"),
    *("important", "success", "check", "done", "question", "help", "faq", "warning"),
    *("caution", "attention", "failure", "fail", "missing", "danger", "error", "bug"),
    *("example", "quote", "cite", "admonition", "details"),
)
"""The types that Material for MkDocs and Python-Markdown draw."""

_STRICT = frozenset(("github", "vitepress"))
"""Where exactly the five of GitHub are alerts; plug-ins of others take more."""
_OPEN = ("mkdocs", "details", "blocks", "colon")
"""Forms in which any word may stand as the type."""


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Yield alerts that GitHub does not have, and misspelled types elsewhere."""
    known = [each.alert for each in given.lexicon.functions.values() if each.alert]
    spoken_of = page.once(spoken).values() if given.targets & _STRICT else ()
    for notice in spoken_of:
        if notice.form == "dead" and notice.type.upper() not in known:
            yield _alert(page, notice, known)
    for block in page.of("notice"):
        notice = block.value
        if notice.form in _OPEN and not notice.function:
            # Short words of other containers are like some type by chance.
            near = 0.8 if notice.form in ("mkdocs", "details") else 0.85
            meant = get_close_matches(notice.type, _OWN_TYPES, n=1, cutoff=near)
            if meant and notice.type not in _OWN_TYPES:
                yield _misspelled(page, notice, meant[0])


def _alert(page: Page, notice: Notice, known: list[str]) -> Finding:
    functions = page.lexicon.functions
    meant = functions[notice.function].alert if notice.function else ""
    close = get_close_matches(notice.type.upper(), known, n=1, cutoff=0.7)
    right = meant or (close[0] if close else "")
    hint = f"write [!{right}]" if right else f"there are {', '.join(known)}"
    return Finding(
        code=RULE.code,
        role=RULE.role,
        message=f"[!{notice.type.upper()}] is none of GitHub's alerts",
        hint=hint,
        span=notice.head,
        fix=_typed(page, notice, right, safe=bool(meant)) if right else None,
    )


def _misspelled(page: Page, notice: Notice, right: str) -> Finding:
    return Finding(
        code=RULE.code,
        role=RULE.role,
        message=f"“{notice.type}” is no type of notice",
        hint=f"did you mean “{right}”?",
        span=notice.head,
        fix=_typed(page, notice, right, safe=False),
    )


def _typed(page: Page, notice: Notice, right: str, *, safe: bool) -> Fix:
    head = page.data[notice.head.start : notice.head.end]
    at = notice.head.start + head.lower().find(notice.type.encode())
    span = Span(at, at + len(notice.type.encode()))
    return Fix(f"write {right}", (Edit(span, right.encode()),), safe)


RULE = Rule(
    code="notices.unknown-type",
    check=check,
    role=Role.FAILURE,
    keeps=Keeps.TEXT_BUT_SYMBOLS,
)
