"""Other interpreters of this machine, and one that an ordinary user may start."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

__all__ = ["ORDINARY", "install", "other_pythons", "pythons", "starts"]

ROOT = Path(__file__).parents[2]
ORDINARY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
FOLDERS = (".pyenv/versions", ".local/share/uv/python")


def pythons(version: str) -> list[Path]:
    """Every interpreter of a version (``3.11``) that can be found without a search."""
    found = [
        Path("/usr/bin") / f"python{version}",
        Path(f"/usr/local/bin/python{version}"),
    ]
    for folder in FOLDERS:
        found += sorted((Path.home() / folder).glob(f"*/bin/python{version}"))
    other = shutil.which(f"python{version}")
    return [*found, *([Path(other)] if other else [])]


def other_pythons() -> list[Path]:
    """One interpreter of each other version, the newest last."""
    found = []
    for minor in range(11, 14):
        for python in pythons(f"3.{minor}"):
            usable = minor != sys.version_info.minor
            if usable and starts(python, "import venv, ensurepip, ssl, ctypes"):
                found.append(python)
                break
    return found


def starts(python: Path, code: str, prefix: Sequence[str] = ()) -> bool:
    if not python.exists():
        return False
    command = [*prefix, str(python), "-c", code]
    done = subprocess.run(command, check=False, capture_output=True, cwd="/")
    return done.returncode == 0


def install(python: Path, folder: Path) -> Path:
    """A virtual environment of that Python with what firstlight imports."""
    subprocess.run([python, "-m", "venv", folder], check=True, capture_output=True)
    made = folder / "bin" / "python"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [each for each in project["dependencies"] if not each.startswith("uv")]
    done = subprocess.run(
        [made, "-m", "pip", "install", "-q", "--only-binary=:all:", *needed],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return made
