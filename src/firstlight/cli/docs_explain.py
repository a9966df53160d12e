"""``firstlight docs explain``: what each rule is about, from its own page."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from firstlight.cli.context import Context
from firstlight.cli.docs_print import style_of
from firstlight.errors import UsageError
from firstlight.fields import did_you_mean
from firstlight.lint.terminal import window

if TYPE_CHECKING:
    from firstlight.lint.guide import Guide
    from firstlight.lint.rule import Rule
    from firstlight.lint.terminal import Style

__all__ = ["explain"]

_LANGUAGES = ("en", "zh")


@click.command()
@click.argument("rule", required=False)
@click.option(
    "--lang",
    type=click.Choice(_LANGUAGES),
    help="Only this language; default: both.",
)
@click.pass_obj
def explain(command: Context, rule: str | None, lang: str | None) -> None:
    """Say what a rule is about, or list all rules.

    RULE is a rule, whose page with examples is printed, or a topic, whose rules are
    listed; without it all are.
    """
    from firstlight.lint.guide import ENGINE, guide
    from firstlight.lint.rules import codes

    known = (*codes(), *ENGINE)
    topics = dict.fromkeys(code.partition(".")[0] for code in known)
    style = style_of(sys.stdout)
    if rule in known:
        told = guide(rule)
        for line in _page(told, lang, style):
            command.say(line)
        command.result(_entry(told))
        return
    if rule is not None and rule not in topics:
        hint = did_you_mean(rule, (*known, *topics))
        raise UsageError(
            f'there is no rule or topic "{rule}"',
            hint=hint or "`firstlight docs explain` lists them",
        )
    chosen = [code for code in known if rule in (None, code.partition(".")[0])]
    told_all = [guide(code) for code in chosen]
    for line in _list(told_all, lang, style):
        command.say(line)
    command.result({"rules": [_entry(each) for each in told_all]})


def _rule(code: str) -> Rule | None:
    """The rule itself; the engine's own findings are no rules."""
    from firstlight.lint.rules import load

    return next(iter(load((code,))), None)


def _entry(told: Guide) -> dict[str, Any]:
    rule = _rule(told.code)
    return {
        "code": told.code,
        "english": told.english,
        "chinese": told.chinese,
        "role": str(rule.role) if rule else "",
        "default": rule.on if rule else True,
        "fix": told.fix_kind,
        "page": told.text,
    }


# One rule


def _page(told: Guide, language: str | None, style: Style) -> Iterator[str]:
    """Yield the page with its headings in bold and its examples dim."""
    if not told.text:
        yield style.paint("bold", f"# {told.code}")
        yield ""
        yield from (told.english,) * (language != "zh")
        yield from (told.chinese,) * (language != "en")
        return
    fence = ""
    for line in _in_language(told, language):
        mark = line[: len(line) - len(line.lstrip("`"))]
        if len(mark) >= 3 and (not fence or line == fence):
            fence = "" if fence else mark
            yield style.paint("dim", line)
        elif line.startswith("#") and not fence:
            yield style.paint("bold", line)
        else:
            yield line


def _in_language(told: Guide, language: str | None) -> list[str]:
    """The lines of a page, without the paragraphs of the other language's summary."""
    head, rest = told.text.partition("\n## ")[::2]
    parts = head.split("\n\n")
    if language == "en":
        parts = [part for part in parts if not part.startswith("中文：")]
    if language == "zh":
        marks = ("#", "中文：", "**")
        parts = [part for part in parts if part.lstrip().startswith(marks)]
    text = "\n\n".join(parts) + (f"\n## {rest}" if rest else "")
    return text.rstrip("\n").split("\n")


# All rules


def _list(told: Sequence[Guide], language: str | None, style: Style) -> Iterator[str]:
    """Yield each topic with its rules: whether they run, how they are mended, why."""
    topic = ""
    width = max(len(each.code) for each in told)
    for each in told:
        rule = _rule(each.code)
        if each.code.partition(".")[0] != topic:
            yield from ("",) * bool(topic)
            topic = each.code.partition(".")[0]
            yield style.paint("bold", topic)
        state = "on " if rule is None or rule.on else "off"
        kind = each.fix_kind if each.fix_kind != "none" else "-"
        said = each.chinese_summary if language == "zh" else each.summary
        line = f"  {each.code:<{width}}  {state}  {kind:<6}  {said}"
        yield window(line, 0, 0, style.width)[0] if sys.stdout.isatty() else line
    yield ""
    yield "on: runs unless the settings say otherwise; then how it is fixed"
    yield "firstlight docs explain RULE shows its page with examples"
