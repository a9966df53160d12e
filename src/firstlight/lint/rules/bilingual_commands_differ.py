"""Translations with other commands. Half of the readers run what no longer works."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from difflib import SequenceMatcher

from firstlight.finding import Finding, Role, Span
from firstlight.lint.alignment import Translation, shown, translations
from firstlight.lint.facts import LONGEST_COMMAND, Command, Section
from firstlight.lint.rule import Given, Project, Rule

__all__ = ["RULE", "across"]

_LANGUAGE = re.compile(r"(?<![A-Za-z])(?:zh|en|cn)(?:[-_](?:cn|us|hans))?(?![A-Za-z])")
_ADDRESS = re.compile(r"\A(?:[a-z+]+://|git@)")
_PROGRAM = re.compile(r"\A(?=.*[a-z])[a-z0-9_./~$][\w./+~${}@-]*\Z|\A[A-Z_]\w*=")
_TEXT = re.compile(
    r"(?:and|or|the|if|for|to|is|are|in|of|with|not|be|this|a|an) |\S+\.md\b|\S+ \[ "
)
"""How lines begin that are text in a shell fence: help of a program, a reference."""
_ARGUMENTS = re.compile(r"\A\.?/|\w[/=]|\s-|\.\w")
_SENTENCE = 5
"""Words without an option or a path that are a sentence rather than a command."""

_OWN_WORDS = re.compile(
    r"[^\x00-\x7f]|[<{\[][A-Za-z]|\A[A-Z_]+\Z|\.\.\.|(?i:xx|your|path/to)"
)
"""Words that each language writes its own way: placeholders, and text."""

_LOCAL = frozenset(
    ("-i", "--index-url", "--extra-index-url", "--trusted-host", "--lang", "--locale")
)
"""Options that differ where people are: mirrors, and the language itself."""

_REGIONAL = re.compile(
    r"gitee\.com|mirror|tuna\b|aliyun|[-_.]zh[-_.]?cn|zh_CN", re.IGNORECASE
)
_BLANK = re.compile(r"\[[^\]\s]+ [^\]]*\]|\[[^\]]*[^\x00-\x7f][^\]]*\]")
"""A placeholder of several words, or Chinese ones."""
_SPOKEN = re.compile(r"\w*(?:LANG|LOCALE)\w*=")
_SAME = {"pip3": "pip", "python3": "python"}
_SHELLS = frozenset(("sh", "bash"))
"""Programs that run the script named after them, as its own name does."""

_SHOWN = 30

_Known = tuple[set[tuple[str, ...]], set[tuple[str, ...]]]


def across(project: Project, given: Given) -> Iterator[tuple[str, Finding]]:
    """Yield the first command of each section that its counterpart has otherwise."""
    for pair in translations(project):
        for mine, theirs in pair.both():
            here, there = _commands(mine), _commands(theirs)
            if here and there:
                known = _known(mine), _known(theirs)
                yield from _section(pair, here, there, known)


def _commands(section: Section) -> list[Command]:
    """The commands, without text and listings that stand in a shell fence."""
    return [each for each in section.commands if _is_command(each.text)]


def _known(section: Section) -> set[tuple[str, ...]]:
    """All that stands in the fences of a section, commands or not, in any order."""
    return {_words(each.text) for each in (*section.commands, *section.listings)}


def _is_command(text: str) -> bool:
    if _TEXT.match(text) or not _PROGRAM.match(text.partition(" ")[0]):
        return False
    return bool(_ARGUMENTS.search(text)) or 1 <= text.count(" ") < _SENTENCE


def _section(
    pair: Translation, here: list[Command], there: list[Command], known: _Known
) -> Iterator[tuple[str, Finding]]:
    mine, theirs = [_words(each.text) for each in here], [_words(o.text) for o in there]
    if mine == theirs:
        return
    matcher = SequenceMatcher(None, mine, theirs, autojunk=False)
    for kind, first, last, start, end in matcher.get_opcodes():
        if kind == "equal":
            continue
        # What stands elsewhere on the other page is neither missing nor another one.
        left = [each for each in here[first:last] if _words(each.text) not in known[1]]
        right = [each for each in there[start:end] if _words(each.text) not in known[0]]
        for one, other in zip(left, right, strict=False):
            if not _agree(_words(one.text), _words(other.text)):
                name = shown(pair.path, pair.other, other.line)
                yield pair.path, _differs(one, other, name)
                return
        common = min(len(left), len(right))
        for more in filter(_is_for_all, left[common:]):
            name = shown(pair.other, pair.path, more.line)
            yield pair.other, _lacks(there[max(end - 1, 0)], more, name)
            return
        for more in filter(_is_for_all, right[common:]):
            name = shown(pair.path, pair.other, more.line)
            yield pair.path, _lacks(here[max(last - 1, 0)], more, name)
            return


def _is_for_all(command: Command) -> bool:
    """Whether a command is not one for the people of a country, such as a mirror."""
    return not _REGIONAL.search(command.text)


def _agree(mine: tuple[str, ...], theirs: tuple[str, ...]) -> bool:
    """Whether two commands are the same but for placeholders and text."""
    if mine == theirs:
        return True
    if not any(_OWN_WORDS.search(word) for word in (*mine[1:], *theirs[1:])):
        return False
    return _outline(mine) == _outline(theirs)


def _outline(words: tuple[str, ...]) -> tuple[str, ...]:
    """What stays the same in any language: the program and the names of its options."""
    options = (word.partition("=")[0] for word in words[1:] if word.startswith("-"))
    return (*words[:1], *options)


def _words(text: str) -> tuple[str, ...]:
    words: list[str] = []
    skip = False
    for word in _BLANK.sub("[]", text).split():
        if word == "#":
            break
        if skip or word in _LOCAL:
            skip = not skip
        elif word != "--save" and not _SPOKEN.match(word):
            bare = "URL" if _ADDRESS.match(word) else word
            words.append(_LANGUAGE.sub("LANGUAGE", bare))
    # The last word of a long command may be cut.
    return _named(words[:-1] if len(text) == LONGEST_COMMAND else words)


def _named(words: list[str]) -> tuple[str, ...]:
    """The words with the program by its name, however it is started."""
    if len(words) > 1 and words[0] in _SHELLS and words[1][0] != "-":
        words = words[1:]
    program = words[0].removeprefix("./") if words else ""
    return (_SAME.get(program, program), *words[1:])


def _differs(here: Command, there: Command, name: str) -> Finding:
    mine, theirs = _cut(here.text, there.text), _cut(there.text, here.text)
    return _finding(f"`{mine}` here, `{theirs}` in {name}", here)


def _lacks(before: Command, missing: Command, name: str) -> Finding:
    return _finding(f"`{_cut(missing.text)}` of {name} is missing here", before)


def _finding(message: str, command: Command) -> Finding:
    return Finding(
        code=RULE.code,
        role=RULE.role,
        message=message,
        hint="run both: the one that works belongs into both pages",
        span=Span(command.start, command.end),
    )


def _cut(text: str, other: str = "") -> str:
    """A command, cut around the place where it begins to differ from another."""
    if len(text) <= _SHOWN:
        return text
    at = len(posixpath.commonprefix((text, other)))
    start = max(0, min(at - _SHOWN // 2, len(text) - _SHOWN))
    end = start + _SHOWN
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"


RULE = Rule(code="bilingual.commands-differ", across=across, role=Role.WARNING)
