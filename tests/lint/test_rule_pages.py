"""Every rule does what its page says, in English and in Chinese."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from firstlight.convert.write import SYNTAXES
from firstlight.lint import rules
from firstlight.lint.result import Found
from firstlight.lint.rules import MODULES, code_of, load, page_of
from lint.pages import Example, Run, examples

FOLDER = Path(rules.__file__).parent
HAN = re.compile("[\u4e00-\u9fff]")
SENTENCE = re.compile("(?!GitHub|Jupyter|PyTorch|Python)[A-Z][a-z]")
CONVERTS = re.compile(r"docs convert --to ([a-z]+(?: or [a-z]+)?)")


def text_of(module: str) -> str:
    return (FOLDER / f"{module}.md").read_text(encoding="utf-8")


def cases() -> list[object]:
    """Each example of each page, by the line where it begins."""
    return [
        pytest.param(module, example, id=f"{module}:{example.line}")
        for module in MODULES
        if (FOLDER / f"{module}.md").exists()
        for example in examples(text_of(module))
    ]


def is_in_style(found: Found) -> bool:
    """Whether what is said is short, and no sentence with capital and full stop."""
    title = found.fix.title if found.fix else ""
    said = [text for text in (found.message, found.hint, title) if text]
    named = [
        way for words in CONVERTS.findall(found.hint) for way in words.split(" or ")
    ]
    return {*named} <= {*SYNTAXES} and not any(
        len(text) > 100 or text.endswith(".") or SENTENCE.match(text) for text in said
    )


@pytest.mark.parametrize(("module", "example"), cases())
def test_an_example_is_as_its_page_says(
    module: str, example: Example, tmp_path: Path
) -> None:
    (rule,) = load([code_of(module)])
    run = Run(rule, example, tmp_path)
    paths = list(example.pages)
    found = run.found()
    shown = [
        f"{path + ':' if paths != ['page.md'] else ''}{f.line}:{f.column} {f.message}"
        for path in paths
        for f in found[path]
        if f.code in (rule.code, "lint.rule-failed")
    ]
    assert shown == example.expected
    assert not [f for path in paths for f in found[path] if not is_in_style(f)]
    if example.fixed:
        after = run.fix()
        assert {p: after[p].data for p in example.fixed} == example.fixed
        again = {path: source.data for path, source in run.fix().items()}
        assert again == {path: source.data for path, source in after.items()}


@pytest.mark.parametrize("module", MODULES)
def test_a_page_explains_its_rule_in_both_languages(module: str) -> None:
    text = text_of(module)
    (rule,) = load([code_of(module)])
    assert text.startswith(f"# {rule.code}\n")
    assert re.search(r"^中文：", text, re.M)
    assert re.search(r"^\*\*Fix\*\*: ", text, re.M)
    found = [e for e in examples(text) if e.expected]
    nothing = [e for e in examples(text) if not e.expected]
    assert len(found) >= 2
    assert len(nothing) >= 2
    pages = [page.decode() for e in examples(text) for page in e.pages.values()]
    assert any(HAN.search(page) for page in pages), "no example in Chinese"
    assert not all(HAN.search(page) for page in pages), "no example in English"


@pytest.mark.parametrize("module", MODULES)
def test_a_rule_has_the_code_of_its_module_and_shows_its_fix(module: str) -> None:
    (rule,) = load([code_of(module)])
    assert rule.code == code_of(module)
    assert rule.check or rule.across
    has_fix = any(example.fixed for example in examples(text_of(module)))
    assert has_fix == (rule.keeps is not None)


def test_every_rule_has_a_page_and_a_line_in_the_table() -> None:
    modules = {path.stem for path in FOLDER.glob("*.py")} - {"__init__"}
    assert modules == set(MODULES)
    assert {path.stem for path in FOLDER.glob("*.md")} == modules
    assert all(page_of(code_of(module)).exists() for module in MODULES)
