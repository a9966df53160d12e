"""What the program says, on which stream, and with which exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli.started import SPEC, Ended, Firstlight

NO_SPEC = """\
❌ Error: there is no firstlight.toml in ~/project
hint: write one with `firstlight init`, or change to your project's folder
"""
TYPO = """\
❌ Error: firstlight.toml has an error
  ❌ Error: firstlight.toml: torhc: unknown key "torhc" [spec.unknown-key]
    hint: did you mean "torch"?
"""
COMMANDS = (
    "init",
    "lock",
    "build",
    "up",
    "run",
    "shell",
    "jupyter",
    "ssh",
    "code",
    "status",
    "logs",
    "restart",
    "down",
    "push",
    "pull",
    "vendor",
    "inspect",
    "diff",
    "sign",
    "key",
    "verify",
    "add",
    "remove",
    "docs",
    "cache",
    "completion",
)


def test_help_names_every_command(firstlight: Firstlight) -> None:
    done = firstlight("--help")
    assert (done.code, done.err) == (0, "")
    listed = done.out.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in listed] == list(COMMANDS)
    assert "..." not in "".join(listed)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(firstlight: Firstlight, command: str) -> None:
    done = firstlight(command, "--help")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Usage: firstlight {command} ")


def test_nothing_at_all_shows_help(firstlight: Firstlight) -> None:
    done = firstlight()
    assert "Commands:" in done.out + done.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_a_script(firstlight: Firstlight, shell: str) -> None:
    done = firstlight("completion", shell)
    assert (done.code, done.err) == (0, "")
    assert "_FIRSTLIGHT_COMPLETE=" in done.out


def test_bash_completes_commands_and_options(tmp_path: Path) -> None:
    program = tmp_path / "firstlight"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m firstlight "$@"\n')
    program.chmod(0o755)
    script = (
        'eval "$(firstlight completion bash)"\n'
        "COMP_WORDS=(firstlight ver); COMP_CWORD=1; _firstlight_completion firstlight\n"
        'echo "${COMPREPLY[@]}"\n'
        "COMPREPLY=(); COMP_WORDS=(firstlight cache prune --ol); COMP_CWORD=3\n"
        '_firstlight_completion firstlight; echo "${COMPREPLY[@]}"\n'
    )
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "verify\n--older-than\n"), done.stderr


def test_version(firstlight: Firstlight) -> None:
    assert firstlight("--version") == Ended(0, "firstlight 0.1.0\n", "")


def test_help_imports_nothing_heavy() -> None:
    seen = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from firstlight.cli import main; main(['--help']);"
            "heavy = {'urllib3', 'rich', 'uv', 'tomlkit', 'resolvelib', 'isal',"
            " 'pysequoia', 'firstlight.net', 'firstlight.pack', 'firstlight.engine'};"
            "sys.exit(str(sorted(heavy & set(sys.modules)) or ''))",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert seen.stderr == "\n" or seen.returncode == 0, seen.stderr


def test_a_command_in_the_sandbox_imports_no_servers_and_no_unpacking() -> None:
    seen = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, firstlight.engine.table, firstlight.workspace.session;"
            "heavy = {'http.server', 'http.client', 'ssl', 'isal', 'zstandard',"
            " 'xml.etree.ElementTree', 'firstlight.oci.serve'};"
            "sys.exit(str(sorted(heavy & set(sys.modules)) or ''))",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert seen.stderr == "\n" or seen.returncode == 0, seen.stderr


@pytest.mark.slow
def test_help_is_instant(firstlight: Firstlight) -> None:
    def seconds() -> float:
        started = time.perf_counter()
        firstlight("--help")
        return time.perf_counter() - started

    assert min(seconds() for _ in range(5)) < 0.5


@pytest.mark.parametrize(
    "command",
    [["lock"], ["lock", "--check"], ["build"], ["run", "--", "true"], ["add", "x"]],
    ids=" ".join,
)
def test_a_folder_without_a_spec(firstlight: Firstlight, command: list[str]) -> None:
    done = firstlight("--quiet", *command)
    assert done == Ended(2, "", NO_SPEC)


def test_a_key_with_a_typo(firstlight: Firstlight, project: Path) -> None:
    (project / "firstlight.toml").write_text(SPEC + 'torhc = "2.7"\n')
    assert firstlight("lock") == Ended(2, "", TYPO)


def test_a_terminal_without_symbols_gets_words(
    firstlight: Firstlight, project: Path
) -> None:
    (project / "firstlight.toml").write_text(SPEC + 'torhc = "2.7"\n')
    plain = TYPO.replace("❌ ", "")
    assert firstlight("lock", TERM="dumb").err == plain
    latin = {"PYTHONUTF8": "0", "PYTHONIOENCODING": "latin-1"}
    assert firstlight("lock", **latin).err == plain


@pytest.mark.parametrize("order", [["--json", "lock"], ["lock", "--json"]])
def test_machines_get_one_object_on_standard_output(
    firstlight: Firstlight, project: Path, order: list[str]
) -> None:
    (project / "firstlight.toml").write_text(SPEC + 'torhc = "2.7"\n')
    done = firstlight(*order)
    assert done.code == 2
    told = json.loads(done.out)
    assert (told["error"], told["exit_code"]) == ("SpecError", 2)
    assert told["findings"][0]["where"] == "firstlight.toml: torhc"


def test_a_project_that_is_no_folder(firstlight: Firstlight) -> None:
    assert firstlight("-C", "nowhere", "lock") == Ended(
        2,
        "",
        "❌ Error: --project nowhere is no folder\nhint: name the project's folder\n",
    )


def test_the_project_may_be_elsewhere(firstlight: Firstlight, project: Path) -> None:
    (project / "sub").mkdir()
    (project / "sub" / "firstlight.toml").write_text(SPEC + 'torhc = "2.7"\n')
    assert firstlight("-C", "sub", "lock") == Ended(2, "", TYPO)


def test_a_command_that_does_not_exist(firstlight: Firstlight) -> None:
    done = firstlight("frob")
    assert (done.code, done.out) == (2, "")
    assert done.err.endswith("Error: No such command 'frob'.\n")


def test_run_without_a_command(firstlight: Firstlight) -> None:
    done = firstlight("run")
    assert done.code == 2
    assert done.err.endswith("Error: Missing argument 'COMMAND...'.\n")


def test_a_variable_without_a_value(firstlight: Firstlight) -> None:
    done = firstlight("run", "-e", "X", "--", "true")
    assert done == Ended(2, "", "❌ Error: --env 'X': write NAME=VALUE\n")


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("tar:x", "'tar:x': no such place"),
        ("oci", "'oci': a path is missing"),
        ("docker:x", "'docker:x': no path"),
    ],
)
def test_an_output_that_is_no_place(
    firstlight: Firstlight, output: str, said: str
) -> None:
    done = firstlight("build", "-o", output)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "hint: " in done.err


def test_whoever_reads_us_may_leave(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "FIRSTLIGHT_STORE": str(tmp_path / "store")}
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "firstlight", "cache"],
            stdout=closed,
            stderr=subprocess.PIPE,
            env=environment,
            check=False,
        )
    assert (done.returncode, done.stderr) == (128 + 13, b"")
