"""A notice that a target does not render. It is text there, and nobody is told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from firstlight.finding import Edit, Finding, Fix, Keeps, Role, Span
from firstlight.lint.notices import line_end, prefix_of
from firstlight.lint.rule import Given, Rule
from firstlight.markdown.notices import spoken
from firstlight.markdown.page import Notice, Page

__all__ = ["RULE", "check"]

_SITES = frozenset(("mkdocs", "zensical"))
_RENDERED = {
    # MkDocs and Zensical do with `pymdownx.quotes`, Docusaurus and MyST with a plug-in.
    "alert": _SITES | {"github", "vitepress", "docusaurus", "myst"},
    "mkdocs": _SITES,
    "details": _SITES,
    "blocks": _SITES,
    "colon": frozenset(("docusaurus", "vitepress")),
    "myst": frozenset(("myst",)),
}
"""Form -> where it can be a notice; anywhere else it is text for certain."""

_BREAK = "\\"
"""A hard line break after the marker; GitHub shows the alert, others a line of text."""
_LONGEST_TITLE = 60
_WRITTEN = {
    "alert": "> [!…]",
    "mkdocs": "!!!",
    "details": "???",
    "blocks": "///",
    "colon": ":::",
    "myst": "{…}",
}


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Yield each form that a target does not know, then what breaks single alerts."""
    yield from _forms(page, given)
    if "github" in given.targets:
        yield from _placed(page)
        yield from _titled(page)


def _forms(page: Page, given: Given) -> Iterator[Finding]:
    by_form: dict[str, list[Notice]] = defaultdict(list)
    for block in page.of("notice"):
        notice = block.value
        # Any word may stand after `:::`; only those of notices are a matter of ours.
        if notice.function:
            by_form[notice.form].append(notice)
    for form, found in by_form.items():
        dead = sorted(given.targets - _RENDERED.get(form, given.targets))
        if dead:
            count = f"{len(found)} notices" if len(found) > 1 else "1 notice"
            yield Finding(
                code=RULE.code,
                role=RULE.role,
                message=f"{_WRITTEN[form]} is no notice on {', '.join(dead)} ({count})",
                hint="firstlight docs convert --to symbols, or set docs.targets",
                span=found[0].head,
            )


def _placed(page: Page) -> Iterator[Finding]:
    """Alerts inside other blocks: the parser sees them, GitHub does not."""
    for number in page.numbers("notice"):
        notice, parent = page.blocks[number].value, page.blocks[number].parent
        if notice.form != "alert" or parent < 0:
            continue
        yield Finding(
            code=RULE.code,
            role=RULE.role,
            message=f"GitHub shows no alert inside a {_kind(page, number)}",
            hint="write symbol and bold word here: they are understood everywhere",
            span=notice.head,
            fix=_as_words(page, notice),
        )


def _kind(page: Page, number: int) -> str:
    kind = page.blocks[page.blocks[number].parent].kind
    return {"item": "list"}.get(kind, kind)


def _as_words(page: Page, notice: Notice) -> Fix | None:
    """The alert becomes a quote that begins with symbol and word."""
    if not notice.function:
        return None
    at = page.data.find(b"[!", notice.head.start, notice.head.end)
    text = page.data.find(b"\n", notice.head.end) + 1
    prefix = prefix_of(page, at)
    if at < 0 or page.data[text : text + len(prefix)].split() != prefix.split()[-1:]:
        return None
    body = text + len(page.data[text : text + len(prefix)])
    if (
        not page.data[body : body + 1].isalpha()
        and page.data[body : body + 1] < b"\x80"
    ):
        return None
    lexicon = page.lexicon
    word = lexicon.word(notice.function, page.language)
    colon = "：" if page.language == "zh" else ": "
    label = f"{lexicon.functions[notice.function].symbol} **{word}**{colon}"
    edit = Edit(Span(at, body), label.encode())
    return Fix("write symbol and word", (edit,))


def _titled(page: Page) -> Iterator[Finding]:
    """Alerts with a title on the line of the marker."""
    known = [each.alert.lower() for each in page.lexicon.functions.values()]
    for notice in page.once(spoken).values():
        if notice.form != "dead" or notice.type not in known:
            continue
        if notice.title == _BREAK:
            continue
        marker = page.cut(notice.head)
        reason = "a backslash in" if "\\" in marker[:12] else "text after"
        if not notice.title and reason == "text after":
            continue
        yield Finding(
            code=RULE.code,
            role=RULE.role,
            message=f"GitHub shows no alert: {reason} [!{notice.type.upper()}]",
            hint="leave the marker alone on its line",
            span=notice.head,
            fix=_untitled(page, notice),
        )


def _untitled(page: Page, notice: Notice) -> Fix | None:
    start = notice.head.start
    marker = f"[!{notice.type.upper()}]".encode()
    if not notice.title:
        return Fix("repair the marker", (Edit(notice.head, marker),))
    end, prefix = line_end(page, start), prefix_of(page, start)
    title = notice.title.encode()
    following = page.data[notice.head.end : notice.body.end].lstrip(b" \t\r\n>")
    if _is_title(notice.title, following):
        # Else the title would run into the sentence after it.
        title = b"**%s**%s%s" % (title.strip(b"*_ "), end, prefix.rstrip())
    edit = Edit(notice.head, marker + end + prefix + title)
    return Fix("put the title on its own line", (edit,))


def _is_title(text: str, following: bytes) -> bool:
    """Whether a text is a title, and not the first line of what follows."""
    is_short = len(text) <= _LONGEST_TITLE and not text.endswith((".", "。", ",", "，"))
    # Capitals and Chinese begin a sentence; anything else may go on with one.
    begins = following[:1].isupper() or following[:1] >= b"\x80"
    return is_short and begins


RULE = Rule(
    code="notices.not-rendered",
    check=check,
    role=Role.FAILURE,
    keeps=Keeps.TEXT_BUT_SYMBOLS,
)
