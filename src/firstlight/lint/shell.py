"""What shell fences say: commands as words with their bytes, prompts apart.

A small reader, not a shell: it knows quoting, continued lines, here-documents, pipes,
prompts and the output between them, and expands nothing. What it cannot read it takes
as words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from firstlight.finding import Span
from firstlight.markdown.page import Block, Page

__all__ = ["SHELLS", "Command", "Script", "Word", "fence_language", "scripts"]

SHELLS = frozenset(
    (
        *(
            "sh",
            "bash",
            "shell",
            "zsh",
            "ksh",
            "shellscript",
            "console",
            "shell-session",
        ),
        *("shellsession", "terminal", "bash-session", "sh-session"),
    )
)
"""Languages of fences that hold shell commands, some of them with their output."""

_LANGUAGE = re.compile(
    r"[\s{.]*(?:code-block\}\s*|sourcecode\}\s*)?(?![\w-]+=)([^\s{},:;=(\[]+)"
)
_PROMPT = re.compile(
    rb"[ \t]*(?:\([\w.-]+\) )?"
    rb"(?:[$%]|[\w.-]+@[\w.-]+:?[^\s$#%]*[$#%]|\[[^\[\]\n]{1,60}\] ?[$#%])(?:[ \t]+|$)"
)
_MAYBE_PROMPT = re.compile(rb"^[^$%#\n]{0,80}[$%#](?:[ \t]|$)", re.M)
_CONTINUED = re.compile(rb"[ \t]*>[ \t]+")
_HERE = re.compile(rb"<<-?[ \t]*(['\"\\]?)([A-Za-z_]\w*)\1")
_TOKEN = re.compile(
    rb"""(?P<gap>(?:[ \t\r]|\\\r?\n)+)
    |(?P<comment>\#[^\n]*)
    |(?P<redirect>(?!<[^\s<>|&;()$'"=-][^<>\n|&;()]{0,60}>)
        (?:\d?(?:>>?\|?|<<?<?-?)(?:&[\d-])?|&>>?))
    |(?P<operator>&&|\|\|?&?|;;?|&|[()\n])
    |(?P<word>(?:[^\s'"\\|&;()<>`$]+|\\(?:\r\n|.)|'[^']*'|"(?:[^"\\]|\\.)*"|`[^`]*`
        |\$\((?:[^()]|\([^()]*\))*\)|\$|<[^\s<>|&;()$'"=-][^<>\n|&;()]{0,60}>)+)
    |(?P<other>.)""",
    re.X | re.S,
)
_QUOTES = str.maketrans("", "", "'\"\\")
_ASSIGNMENT = re.compile(r"\w+\+?=")
_BEFORE_PROGRAM = frozenset(
    (
        *("env", "time", "nohup", "exec", "command", "builtin", "nice", "doas", "sudo"),
        *("do", "then", "else", "elif", "if", "while", "until", "{", "!"),
    )
)
_ROOT = frozenset(("sudo", "doas"))
_SUDO_TAKES = frozenset(("-u", "-g", "-p", "-C", "-h", "--user", "--group"))


class Word(NamedTuple):
    """A word of a command, without its quotes, and its bytes in the source."""

    text: str
    start: int
    end: int


class Command(NamedTuple):
    """A simple command.

    `program` is what runs, without its folder, ``sudo`` and assignments before it;
    `arguments` are the words after it; `words` all of them. `joined` is the operator
    before the command (``|``, ``&&``, ``;``, ``(``, ``<(``), empty at the start of a
    line; `writes` are the targets of its redirections.
    """

    start: int
    end: int
    words: tuple[Word, ...]
    program: str
    arguments: tuple[Word, ...]
    is_root: bool
    joined: str
    writes: tuple[str, ...]

    @property
    def span(self) -> Span:
        """The bytes from the first word to the last."""
        return Span(self.start, self.end)

    def has(self, *names: str) -> bool:
        """Whether one of these words is an argument."""
        return any(word.text in names for word in self.arguments)

    def flags(self) -> str:
        """Return the letters of its short options: ``rf`` of ``rm -r -f /data``."""
        short = (w.text[1:] for w in self.arguments if w.text[:1] == "-" != w.text[1:2])
        return "".join(short)

    def followed(self) -> Iterator[tuple[Word, str]]:
        """Yield each argument with the text of the next, empty for the last."""
        after = [word.text for word in self.arguments[1:]]
        return zip(self.arguments, [*after, ""], strict=False)

    def values(self, *names: str) -> Iterator[tuple[Word, str]]:
        """Yield the values of an option, each with the word that names the option.

        ``-p 80:80``, ``--publish 80:80`` and ``--publish=80:80`` are alike.
        """
        for word, after in self.followed():
            name, equals, value = word.text.partition("=")
            if name in names:
                yield word, value if equals else after


class Script:
    """A fence of a shell language.

    `block` is the number of the fence, `start` where its code begins. `code` is that
    code with spaces in place of prompts, output, the bodies of here-documents and the
    markers of quotes around the fence. `prompts` are the bytes of its prompts, and
    `outputs` counts the lines of output.
    """

    def __init__(self, block: int, language: str, start: int, lines: _Lines) -> None:
        self.block = block
        self.language = language
        self.start = start
        self.code = bytes(lines.code)
        self.prompts = lines.prompts
        self.outputs = lines.outputs

    @cached_property
    def commands(self) -> list[Command]:
        """The simple commands, in order."""
        return list(_commands(self.code, self.start))


def fence_language(info: str) -> str:
    """Return the language that an info string names, in lower case, or nothing.

    ``bash title="x"``, ``{.bash}`` and ``{code-block} bash`` are all ``bash``.
    """
    found = _LANGUAGE.match(info)
    return found[1].lower() if found else ""


def scripts(page: Page) -> list[Script]:
    """Return the shell fences of a page; to be asked by `Page.once`."""
    found = []
    for number in page.numbers("fence"):
        block = page.blocks[number]
        language = fence_language(block.value)
        if language in SHELLS:
            lines = _Lines(page.data[block.text.start : block.text.end])
            lines.read(_quotes_before(page, block))
            found.append(Script(number, language, block.text.start, lines))
    return found


def _quotes_before(page: Page, block: Block) -> int:
    """Count the ``>`` of quotes that stand before a fence, and so before its lines."""
    line = page.data.rfind(b"\n", 0, block.start) + 1
    return page.data.count(b">", line, block.start)


class _Lines:
    """Reads a fence line by line and blanks what is no command."""

    def __init__(self, source: bytes) -> None:
        self.code = bytearray(source)
        self.prompts: list[tuple[int, int]] = []
        self.outputs = 0

    def read(self, quotes: int) -> None:
        """Blank markers of quotes, prompts, output and here-documents."""
        if quotes:
            marks = re.compile(rb"^(?:[ \t]*>){0,%d}" % quotes, re.M)
            for found in marks.finditer(bytes(self.code)):
                self._blank(found.start(), found.end())
        code = bytes(self.code)
        has_prompts = _has_prompts(code)
        if has_prompts or b"<<" in code:
            self._walk(code, has_prompts)

    def _walk(self, code: bytes, has_prompts: bool) -> None:
        at, is_continued, here = 0, False, b""
        for line in code.splitlines(keepends=True):
            end = at + len(line)
            text = line.strip()
            if here:
                here = b"" if text == here else here
                self._blank(at, end)
            elif has_prompts and not self._is_command(at, line, is_continued):
                is_continued = False
                self._blank(at, end)
            else:
                is_continued = text.endswith(b"\\")
                opened = _HERE.search(line) if b"<<" in line else None
                here = opened[2] if opened else b""
            at = end

    def _is_command(self, at: int, line: bytes, is_continued: bool) -> bool:
        prompt = _PROMPT.match(line.rstrip(b"\r\n"))
        if prompt is None and is_continued:
            prompt = _CONTINUED.match(line)
        if prompt:
            self.prompts.append(
                (at + len(line) - len(line.lstrip()), at + prompt.end())
            )
            self._blank(at, at + prompt.end())
            return True
        text = line.strip()
        if text and not is_continued and not text.startswith(b"#"):
            self.outputs += 1
            return False
        return True

    def _blank(self, start: int, end: int) -> None:
        piece = self.code[start:end]
        self.code[start:end] = bytes(10 if byte == 10 else 32 for byte in piece)


def _has_prompts(code: bytes) -> bool:
    if _MAYBE_PROMPT.search(code) is None:
        return False
    return any(_PROMPT.match(line) for line in code.splitlines())


class _Open:
    """The command that is being read."""

    def __init__(self) -> None:
        self.words: list[Word] = []
        self.writes: list[str] = []
        self.joined = ""
        self.target: list[str] | None = None

    def take(self, word: Word) -> None:
        """Add a word, or the target of the redirection before it."""
        if self.target is None:
            self.words.append(word)
        else:
            self.target.append(word.text)
            self.target = None

    def redirect(self, operator: bytes) -> None:
        """The next word is what is read or written, if one follows."""
        if b"&" not in operator[1:]:
            self.target = [] if b"<" in operator else self.writes

    def closed(self, operator: str) -> Iterator[Command]:
        """Yield the command read so far, if any; an operator begins the next."""
        words, writes, joined = tuple(self.words), tuple(self.writes), self.joined
        if operator == "(" and self.target is not None:
            operator = "<("
        self.words, self.writes, self.target = [], [], None
        if operator != "\n" or words or joined not in {"|", "&&", "||"}:
            self.joined = "" if operator == "\n" else operator
        if words:
            at = _program_at(words)
            yield Command(
                start=words[0].start,
                end=words[-1].end,
                words=words,
                program=words[at].text.rpartition("/")[2] if at < len(words) else "",
                arguments=words[at + 1 :],
                is_root=any(word.text in _ROOT for word in words[:at]),
                joined=joined,
                writes=writes,
            )


def _commands(code: bytes, start: int) -> Iterator[Command]:
    command = _Open()
    for token in _TOKEN.finditer(code):
        kind = token.lastgroup
        if kind == "word" or kind == "other":
            text = token[0].decode("utf-8", "replace").translate(_QUOTES)
            command.take(Word(text, start + token.start(), start + token.end()))
        elif kind == "redirect":
            command.redirect(token[0])
        elif kind == "operator":
            yield from command.closed(token[0].decode())
    yield from command.closed("\n")


def _program_at(words: tuple[Word, ...]) -> int:
    """Where the program stands: after assignments, ``sudo`` and its options."""
    at, before = 0, ""
    while at < len(words):
        text = words[at].text
        if text in _BEFORE_PROGRAM:
            before = text
        elif before in _ROOT and text.startswith("-"):
            at += text in _SUDO_TAKES
        elif not _ASSIGNMENT.match(text):
            break
        at += 1
    return at
