"""Write ``docs/rules.md``, the index of the rules, from their own pages.

Run it after a change of one of them: ``python docs/generate_rules.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from firstlight.lint.guide import ENGINE, Guide, guide
from firstlight.lint.rule import Rule
from firstlight.lint.rules import load, page_of

PAGE = Path(__file__).resolve().parent / "rules.md"
ROOT = PAGE.parent.parent

HEAD = """\
# Rules 规则

<!-- Written by docs/generate_rules.py from the pages of the rules; do not edit. -->
<!-- firstlight: ignore-file symbols.feeling: named here -->

`firstlight docs lint` knows these rules. The name of each leads to its page, with
examples; `firstlight docs explain RULE` prints the same page.

以下是 `firstlight docs lint` 的全部规则。点击名称可以打开规则的说明页，其中有示例；\
`firstlight docs explain RULE` 显示同样的内容。
"""

TOPICS = {
    "symbols": ("symbols and their words", "符号与文字"),
    "notices": ("notices and hazards", "提示块与风险"),
    "steps": ("steps and commands", "步骤与命令"),
    "structure": ("headings, links, paragraphs", "标题、链接与段落"),
    "bilingual": ("translations of one page", "同一页面的不同语言版本"),
    "environment": ("what the project's image says otherwise", "与项目镜像不符的内容"),
    "typography": ("Chinese typography", "中文排版"),
}
"""Topic -> what its rules are about, in English and in Chinese."""

ROLES = {"failure": "failure 错误", "warning": "warning 警告", "note": "note 说明"}
FIXES = {
    "safe": "safe 安全",
    "partly": "mostly safe 多数安全",
    "unsafe": "on demand 需确认",
    "none": "no 无",
}

COLUMNS = "| Rule 规则 | What is wrong | 问题 | Role 级别 | Runs 默认 | Fix 修复 |"


def page() -> str:
    """Return the text of the page; equal rules give equal text."""
    return "\n".join((HEAD, *_sections(load())))


def _sections(rules: tuple[Rule, ...]) -> Iterator[str]:
    for topic in dict.fromkeys(rule.topic for rule in rules):
        english, chinese = TOPICS[topic]
        yield f"## `{topic}`: {english} {chinese}\n"
        yield COLUMNS
        yield "|---|---|---|---|---|---|"
        yield from (_row(rule) for rule in rules if rule.topic == topic)
        yield ""
    yield "## `lint`: the linter itself 检查工具自身\n"
    yield "| Finding 问题 | What it means | 含义 |"
    yield "|---|---|---|"
    yield from (_engine_row(guide(code)) for code in ENGINE)
    yield ""


def _row(rule: Rule) -> str:
    told = guide(rule.code)
    link = page_of(rule.code).relative_to(ROOT).as_posix()
    cells = (
        f"[`{rule.code}`](../{link})",
        _escaped(told.summary),
        _escaped(told.chinese_summary),
        ROLES[rule.role],
        "yes 是" if rule.on else "no 否",
        FIXES[told.fix_kind],
    )
    return f"| {' | '.join(cells)} |"


def _engine_row(told: Guide) -> str:
    return f"| `{told.code}` | {told.english} | {told.chinese} |"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}")
