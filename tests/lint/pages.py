"""Reads the page of a rule: its examples, and what is to be found in them.

An example is an optional fence ``toml`` with settings, one or more fences ``md``, a
fence ``text`` with what is found (none: nothing is), and ``md fixed`` with what the
page is after its fixes. A word ``path=…`` after the language names the file.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from firstlight.finding import Finding
from firstlight.lint.across import compare
from firstlight.lint.check_page import Checked, check_source, placed
from firstlight.lint.fixes import fix_source
from firstlight.lint.ignores import hide
from firstlight.lint.plan import Plan, plan_of
from firstlight.lint.result import Found
from firstlight.lint.rule import Rule
from firstlight.lint.settings import settings_of
from firstlight.lint.sources import Source, open_source

ALONE = "page.md"
"""The path of a page that an example does not name."""


class Fence(NamedTuple):
    """A fence of a rule's page."""

    line: int
    language: str
    words: tuple[str, ...]
    text: str

    @property
    def path(self) -> str:
        """The file it stands for, or ""."""
        named = [word[5:] for word in self.words if word.startswith("path=")]
        return named[0] if named else ""

    @property
    def data(self) -> bytes:
        """The file's bytes."""
        text = self.text.replace("\n", "\r\n") if "crlf" in self.words else self.text
        return text.encode()


@dataclass
class Example:
    """Pages, what is found in them, and what they are after all fixes."""

    line: int
    table: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    pages: dict[str, bytes] = field(default_factory=dict)
    expected: list[str] = field(default_factory=list)
    fixed: dict[str, bytes] = field(default_factory=dict)

    def takes(self, fence: Fence) -> bool:
        """Whether a fence belongs to this example, and not to a next one."""
        if fence.language == "text" and not fence.path:
            return bool(self.pages) and not self.expected and not self.fixed
        if "fixed" in fence.words:
            return bool(self.pages)
        if self.expected or self.fixed:
            return False
        if fence.language == "md":
            is_new = bool(fence.path) and fence.path not in self.pages
            return is_new or not self.pages
        return not self.pages or bool(fence.path)

    def add(self, fence: Fence) -> None:
        """Take what a fence says."""
        if "fixed" in fence.words:
            self.fixed[fence.path or ALONE] = fence.data
        elif fence.language == "md":
            self.pages[fence.path or ALONE] = fence.data
        elif fence.path:
            self.files[fence.path] = fence.data
        elif fence.language == "toml":
            table = tomllib.loads(fence.text)
            self.table = table.get("docs", table)
        elif fence.language == "text":
            self.expected = fence.text.splitlines()
        else:
            raise AssertionError(f"line {fence.line}: what is a {fence.language} here?")


def fences(text: str) -> Iterator[Fence | None]:
    """Yield the fences of a page, and None for each heading."""
    lines = iter(enumerate(text.splitlines(), 1))
    for number, line in lines:
        if line.startswith("#"):
            yield None
        opening = re.fullmatch(r"(`{3,})\s*(.*)", line)
        if opening:
            body = []
            for _, inner in lines:
                if re.fullmatch(rf"{opening[1]}`*\s*", inner):
                    break
                body.append(inner + "\n")
            language, *words = opening[2].split() or [""]
            yield Fence(number, language, tuple(words), "".join(body))


def examples(text: str) -> list[Example]:
    """Return the examples of a rule's page."""
    found: list[Example] = []
    fresh = True
    for fence in fences(text):
        if fence is None:
            fresh = True
            continue
        if fresh or not found[-1].takes(fence):
            found.append(Example(fence.line))
        fresh = False
        found[-1].add(fence)
    return found


def plan_for(rule: Rule, example: Example, folder: Path) -> Plan:
    """Return a plan with this rule alone, and the settings of the example."""
    settings = settings_of({**example.table, "select": [rule.code]})
    return plan_of(settings, rules=[rule], environment=environment(example, folder))


def environment(example: Example, folder: Path) -> Any:
    """Return what the example's firstlight.toml says, None without one."""
    if "firstlight.toml" not in example.files:
        return None
    from firstlight.cli.docs_environment import environment_of

    for path, data in example.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return environment_of(folder)


class Run:
    """A rule at work on the pages of an example."""

    def __init__(self, rule: Rule, example: Example, folder: Path) -> None:
        self.plan = plan_for(rule, example, folder)
        self.files = {*example.files, *example.pages}
        self.sources = {p: open_source(p, d) for p, d in example.pages.items()}

    def exists(self, path: str) -> bool:
        """Whether the example has such a file, or a folder with one."""
        inside = path.strip("/") + "/"
        return path in self.files or any(f.startswith(inside) for f in self.files)

    def found(self) -> dict[str, list[Found]]:
        """Return all findings by page."""
        checked = {
            path: check_source(source, self.plan, with_facts=self.plan.compares)
            for path, source in self.sources.items()
        }
        across = self._across(checked)
        return {
            path: sorted(
                [*checked[path].found, *across.get(path, ())], key=lambda f: f[1:]
            )
            for path in self.sources
        }

    def _across(self, checked: dict[str, Checked]) -> dict[str, list[Found]]:
        facts = {p: c.facts for p, c in checked.items() if c.facts is not None}
        found: dict[str, list[Finding]] = compare(self.plan, facts, self.exists)
        return {
            path: placed(
                hide(findings, checked[path].marks)[0], self.sources[path], self.plan
            )
            for path, findings in found.items()
        }

    def fix(self) -> dict[str, Source]:
        """Make every fix, and return the pages as they are then."""
        for _ in range(4):
            found = self.found()
            for path, source in self.sources.items():
                done = fix_source(source, self.plan, unsafe=True, more=found[path])
                self.sources[path] = done.source
        return self.sources
