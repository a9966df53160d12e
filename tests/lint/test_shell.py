"""Shell fences are read as commands, and every word stands where it is said to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstlight.lint.shell import Command, Script, fence_language, scripts
from firstlight.markdown.parse import parse


def script(code: str, language: str = "sh") -> Script:
    """The only script of a page with one fence."""
    page = parse(f"# T\n\n```{language}\n{code}\n```\n".encode())
    (found,) = scripts(page)
    return found


def commands(code: str) -> list[list[str]]:
    """The words of each command."""
    return [[w.text for w in c.words] for c in script(code).commands]


def only(code: str) -> Command:
    (command,) = script(code).commands
    return command


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("ls -l", [["ls", "-l"]]),
        ("a && b || c; d | e & f", [["a"], ["b"], ["c"], ["d"], ["e"], ["f"]]),
        ("docker run \\\n  --rm demo", [["docker", "run", "--rm", "demo"]]),
        ("echo 'a b' \"c $(d e)\" f\\ g", [["echo", "a b", "c $(d e)", "f g"]]),
        ("echo a#b # the rest\n# all", [["echo", "a#b"]]),
        ("cat <<EOF\nrm -rf /\nEOF\nls", [["cat"], ["ls"]]),
        ("cat <<-'E' > x\n\trm\n\tE\nls", [["cat"], ["ls"]]),
        ("x --to <your name> < in.txt", [["x", "--to", "<your name>"]]),
        (
            "$ ls\na.txt  b.txt\n$ cat a.txt \\\n>   b.txt",
            [["ls"], ["cat", "a.txt", "b.txt"]],
        ),
        ("(cd x; make)", [["cd", "x"], ["make"]]),
        ("echo it's", [["echo", "it", "", "s"]]),
        ("", []),
    ],
)
def test_commands_are_words(code: str, expected: list[list[str]]) -> None:
    assert commands(code) == expected


@pytest.mark.parametrize(
    ("code", "program", "is_root"),
    [
        ("sudo -E -u me /usr/bin/pip install x", "pip", True),
        ("A=1 env B=2 time python -m x", "python", False),
        ("if ! test -f x", "test", False),
        ("A=1", "", False),
    ],
)
def test_the_program_is_found_behind_what_runs_it(
    code: str, program: str, is_root: bool
) -> None:
    command = only(code)
    assert (command.program, command.is_root) == (program, is_root)


def test_operators_and_redirections_are_kept_apart() -> None:
    first, second, third = script("a > out 2>&1 | b >> log\nsh <(c)").commands[:3]
    assert (first.joined, first.writes) == ("", ("out",))
    assert (second.joined, second.writes) == ("|", ("log",))
    assert third.program == "sh"
    assert script("sh <(c)").commands[1].joined == "<("
    assert script("a |\nb").commands[1].joined == "|"


def test_options_give_their_values_however_they_are_written() -> None:
    command = only("docker run -p 80:80 --publish=81:81 --rm -v")
    assert [value for _, value in command.values("-p", "--publish", "-v")] == [
        "80:80",
        "81:81",
        "",
    ]
    assert command.has("--rm")
    assert only("rm -r -f --force x").flags() == "rf"


@pytest.mark.parametrize(
    ("prompt", "language"),
    [
        ("$ ", "sh"),
        ("% ", "zsh"),
        ("(base) $ ", "bash"),
        ("me@host:~/x$ ", "console"),
        ("[root@node1 ~]# ", "bash"),
    ],
)
def test_prompts_are_no_words(prompt: str, language: str) -> None:
    found = script(f"{prompt}make\nok\n{prompt}make install", language)
    assert [c.arguments != () for c in found.commands] == [False, True]
    assert len(found.prompts) == 2
    assert found.outputs == 1


def test_a_comment_is_no_prompt() -> None:
    found = script("# make\nmake  # $ x\necho $HOME\n$EDITOR x")
    assert (found.prompts, found.outputs) == ([], 0)
    assert len(found.commands) == 3


def test_markers_of_quotes_are_no_words() -> None:
    page = parse(
        b"> - x\n>\n>   ```sh\n>   ls a\n>   cat <<E\n>   rm\n>   E\n>   ```\n"
    )
    (found,) = scripts(page)
    assert [[w.text for w in c.words] for c in found.commands] == [["ls", "a"], ["cat"]]


@pytest.mark.parametrize(
    ("info", "language"),
    [
        ("bash", "bash"),
        ("Bash title='x'", "bash"),
        ("{.sh .numberLines}", "sh"),
        ("{code-block} console", "console"),
        ("sh{1,3}", "sh"),
        ("c++", "c++"),
        ("title='x'", ""),
        ("", ""),
    ],
)
def test_the_language_is_the_first_word_of_the_info(info: str, language: str) -> None:
    assert fence_language(info) == language


_PIECES = st.sampled_from(
    [
        *("ls", "sudo", "$ ", "% ", "> ", "|", "&&", ";", "\n", "\\\n", " ", "'", '"'),
        *("`", "$(", ")", "<", ">", "<<EOF\n", "EOF\n", "#", "=", "请", "<your key>"),
        *("2>&1", "\r\n", "-p", "\\", "[root@x ~]# "),
    ]
)


@given(st.lists(_PIECES, max_size=30).map("".join), st.sampled_from(["", "> "]))
def test_whatever_is_written_words_stand_where_they_are_said_to(
    code: str, quote: str
) -> None:
    lines = "".join(f"{quote}{line}\n" for line in code.split("\n"))
    page = parse(f"{quote}````sh\n{lines}{quote}````\n".encode())
    for found in scripts(page):
        block = page.blocks[found.block]
        assert len(found.code) == block.text.end - block.text.start
        at = block.text.start
        for command in found.commands:
            for word in command.words:
                assert at <= word.start < word.end <= block.text.end
                at = word.end
                source = page.data[word.start : word.end].decode()
                assert set(word.text) <= set(source)
