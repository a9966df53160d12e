"""Write ``docs/grammar.md`` and ``docs/grammar.zh.md`` from the lexicon.

Run it after a change of its tables: ``python docs/generate_grammar.py``.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from firstlight.lexicon.cues import HARMS, SPEECH, words
from firstlight.lexicon.functions import NEUTRAL
from firstlight.lexicon.table import DEFAULT, Function

DOCS = Path(__file__).resolve().parent
PAGES = {"en": DOCS / "grammar.md", "zh": DOCS / "grammar.zh.md"}

SITES = {
    "alert": "GitHub",
    "mkdocs": "Material for MkDocs",
    "blocks": "pymdownx.blocks",
    "myst": "MyST",
    "docusaurus": "Docusaurus",
    "vitepress": "VitePress",
}

TEXTS = {
    "en": {
        "head": """\
# The visual grammar

<!-- Written by docs/generate_grammar.py from the lexicon; do not edit. -->

In a technical page a symbol is a signpost: the eye finds the kind of a block before the
mind reads it. So each symbol has one function, always comes with its word, and stays
rare. These are the defaults; the settings of a project change them in `[docs.symbols]`.

## Functions

| Symbol and word | In Chinese | Function | What it tells the reader |
|---|---|---|---|
""",
        "rules": """\
## Rules of use

1. One symbol, then its word, where a heading, list item, paragraph, table cell or
   notice begins; never inside a sentence, never as a bullet, never alone.
2. One function, one symbol, on all pages of a project.
3. Few symbols. How many are too many is a policy, which the settings hold.
4. A hazard stands before the step that it concerns. How strong its symbol is follows
   from what happens, not from the tone.
5. Symbols are spelled exactly: with U+FE0F where Unicode asks for it, and nowhere else.
6. In a heading only symbols without U+FE0F, or an explicit id: sites make different
   anchors of the others.
""",
        "aliases": """\
## Other symbols with the same functions

They are rewritten to the symbol of their function.

| Function | Rewritten |
|---|---|
""",
        "words": """\
## Words

These words announce a function by themselves, as `Warning:` or `**Note**` do. In
Chinese, `注意` is a note: translations show that it says *Note*, not *Caution*.

| Function | Words |
|---|---|
""",
        "types": """\
## Types of notices

What each syntax calls a function. Where it has no word for it, the notice has the type
in parentheses, and the word of the function is its title.

""",
        "feelings": """\
## Symbols with feeling

A reader cannot act on them, so they do not belong in a technical page:

""",
        "cues": """\
## Cue words

What a block is for, and whether harm follows, is told by words such as these. A project
adds its own in `[docs.words]`, by the same kinds.

| Kind | Words | Some of them |
|---|---|---|
""",
        "function": "Function",
    },
    "zh": {
        "head": """\
# 视觉语法

<!-- Written by docs/generate_grammar.py from the lexicon; do not edit. -->

在技术文档里，符号是路标：眼睛先认出一段内容属于哪一类，然后才去读它。
因此每个符号只有一个功能，总是与对应的词一起出现，并且保持稀少。
以下是默认值；项目可以在设置的 `[docs.symbols]` 中修改。

## 功能

| 符号与词 | 英文 | 功能 | 告诉读者什么 |
|---|---|---|---|
""",
        "rules": """\
## 使用规则

1. 先符号，后词，放在标题、列表项、段落、表格单元格或提示块的开头；
   不放在句子中间，不当项目符号，不单独出现。
2. 在项目的所有页面里，一个功能对应一个符号。
3. 符号要少。多少算多是一种约定，写在设置里。
4. 风险写在它所涉及的步骤之前。符号的强弱取决于后果，而不是语气。
5. 符号的写法要准确：Unicode 要求 U+FE0F 的地方要有，其他地方不能有。
6. 标题里只用不需要 U+FE0F 的符号，或者写明 id：否则各网站生成的锚点不同。
""",
        "aliases": """\
## 功能相同的其他符号

它们会被改写成该功能的符号。

| 功能 | 被改写的符号 |
|---|---|
""",
        "words": """\
## 词

这些词单独出现就表示一种功能，例如 `警告：` 或 `**说明**`。
`注意` 属于说明：对照译文表明，它对应的是 *Note*，而不是 *Caution*。

| 功能 | 词 |
|---|---|
""",
        "types": """\
## 提示块的类型

各种语法对功能的叫法。没有对应类型时，用括号里的类型，并把功能的词作为标题。

""",
        "feelings": """\
## 带感情的符号

读者无法据此行动，所以它们不属于技术文档：

""",
        "cues": """\
## 线索词

一段内容有什么用途、是否会带来危害，由下面这样的词说明。
项目可以在 `[docs.words]` 中按同样的类别添加自己的词。

| 类别 | 词数 | 例子 |
|---|---|---|
""",
        "function": "功能",
    },
}


def page(language: str) -> str:
    """Return the text of the page in a language; equal tables give equal text."""
    texts = TEXTS[language]
    parts = [
        texts["head"] + _rows(_legend(each, language) for each in _functions()),
        texts["rules"],
        texts["aliases"]
        + _rows(_aliases(each) for each in _functions() if each.aliases),
        texts["words"] + _rows(_words(each) for each in _functions() if each.words),
        texts["types"] + _types(texts["function"]),
        texts["feelings"] + _code(sorted(DEFAULT.feelings)) + "\n",
        texts["cues"] + _rows(_cues(kind, language) for kind in (*HARMS, *SPEECH)),
    ]
    return "\n".join(parts)


def _functions() -> Iterable[Function]:
    return DEFAULT.functions.values()


def _rows(rows: Iterable[Iterable[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _code(several: Iterable[str]) -> str:
    return " ".join(f"`{each}`" for each in several)


def _legend(function: Function, language: str) -> tuple[str, ...]:
    other = "zh" if language == "en" else "en"
    marked = f"{function.symbol} **{DEFAULT.word(function.name, language)}**"
    translated = DEFAULT.word(function.name, other)
    meaning = DEFAULT.meaning(function.name, language)
    return marked, translated, f"`{function.name}`", meaning


def _aliases(function: Function) -> tuple[str, ...]:
    return f"`{function.name}`", _code(function.aliases)


def _words(function: Function) -> tuple[str, ...]:
    return f"`{function.name}`", ", ".join(function.words)


def _types(title: str) -> str:
    head = f"| {title} | {' | '.join(SITES.values())} |\n{'|---' * (len(SITES) + 1)}|\n"
    return head + _rows(
        (f"`{each.name}`", *(_type(each, syntax) for syntax in SITES))
        for each in _functions()
    )


def _type(function: Function, syntax: str) -> str:
    own = getattr(function, syntax)
    return f"`{own}`" if own else f"(`{NEUTRAL[syntax]}`)"


def _cues(kind: str, language: str) -> tuple[str, ...]:
    known = words(kind)
    own = [each for each in known if each.isascii() == (language == "en")]
    letters = 4 if language == "en" else 1
    differing = {each[:letters]: each for each in reversed(own)}.values()
    return f"`{kind}`", str(len(known)), ", ".join([*reversed(differing)][:4])


if __name__ == "__main__":
    for language, path in PAGES.items():
        path.write_text(page(language), encoding="utf-8")
        print(f"wrote {path.name}")
