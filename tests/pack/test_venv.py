from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from entry_tree import write_tree
from firstlight.pack.entry import Entry, Kind
from firstlight.pack.venv import venv_entries

VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"


def test_says_the_same_every_time() -> None:
    assert venv_entries("3.11") == venv_entries("3.11")
    assert all(entry.path.startswith("opt/venv/") for entry in venv_entries("3.11"))


def test_links_follow_the_python_of_the_image() -> None:
    links = {
        entry.path: entry.link
        for entry in venv_entries("3.9", "srv/env")
        if entry.kind is Kind.SYMLINK
    }
    assert links == {
        "srv/env/lib64": "lib",
        "srv/env/bin/python": "/usr/bin/python3.9",
        "srv/env/bin/python3": "python",
        "srv/env/bin/python3.9": "python",
    }


@pytest.fixture
def real(tmp_path: Path) -> Path:
    """The venv in a temporary prefix, on the interpreter that runs the tests."""
    base = os.path.realpath(sys.executable)
    entries = []
    for entry in venv_entries(VERSION, str(tmp_path / "venv").lstrip("/")):
        if entry.link.startswith("/"):
            entry = Entry(path=entry.path, kind=entry.kind, mode=0o777, link=base)
        entries.append(entry)
    write_tree(entries, Path("/"))
    config = tmp_path / "venv/pyvenv.cfg"
    config.write_text(config.read_text().replace("/usr/bin", str(Path(base).parent)))
    return tmp_path / "venv"


def test_python_runs_in_it(real: Path) -> None:
    code = "import json,sys,site; print(json.dumps([sys.prefix, sys.path]))"
    for name in ("python", "python3", f"python{VERSION}"):
        out = subprocess.check_output([real / "bin" / name, "-I", "-c", code])
        prefix, path = json.loads(out)
        assert prefix == str(real)
        assert f"{real}/lib/python{VERSION}/site-packages" in path


def test_activate_can_be_undone(real: Path) -> None:
    script = f"""set -eu
    PS1='$ '; before="$PATH"
    . {real}/bin/activate; . {real}/bin/activate
    command -v python; echo "$PS1"
    deactivate
    [ "$PATH" = "$before" ] && [ "$PS1" = '$ ' ] && [ -z "${{VIRTUAL_ENV:-}}" ]
    case "$(type deactivate 2>&1)" in *function*) exit 1;; esac
    """
    out = subprocess.check_output(["sh", "-c", script], text=True).splitlines()
    assert out == [f"{real}/bin/python", "(venv) $ "]
