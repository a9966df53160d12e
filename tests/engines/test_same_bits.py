"""The same lock gives the same bits, whoever builds it, wherever and with what."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from engine_tools import Built, Project, unlinked
from pythons import ORDINARY, install, other_pythons

pytestmark = pytest.mark.slow


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What about a host may differ."""

    umask: str
    environ: Mapping[str, str]
    prefix: Sequence[str] = field(default=())

    @property
    def words(self) -> tuple[str, ...]:
        """The words before the command."""
        mask = ("sh", "-c", f'umask {self.umask}; exec "$@"', "sh")
        return (*self.prefix, *mask)


HOSTS = {
    "one core, private files": Host(
        umask="077",
        environ={"LC_ALL": "C", "TZ": "Asia/Kathmandu", "FIRSTLIGHT_JOBS": "1"},
        prefix=("taskset", "-c", "0"),
    ),
    "many threads, other time": Host(
        umask="000",
        environ={
            "LC_ALL": "C.UTF-8",
            "LANG": "C.UTF-8",
            "TZ": "America/St_Johns",
            "FIRSTLIGHT_JOBS": "7",
            "PYTHONHASHSEED": "42",
            "SOURCE_DATE_EPOCH": "1700000000",
        },
    ),
    "without a locale, in UTF-8 off mode": Host(
        umask="027",
        environ={"LC_ALL": "POSIX", "PYTHONUTF8": "0", "TZ": "UTC"},
    ),
}


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS.keys())
def test_hosts_agree(
    host: Host, seeded: Callable[[], Project], small_image: Built
) -> None:
    project = seeded()
    built = project.build(
        project.store.parent / "layout", environ=host.environ, prefix=host.words
    )
    _same(built, small_image)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_an_ordinary_user_agrees_with_root(
    seeded: Callable[[], Project], small_image: Built, ordinary_python: Path
) -> None:
    project = replace(seeded(), python=ordinary_python)
    home = project.store.parent
    _give_to_ordinary_user(home)
    built = project.build(home / "layout", environ={"HOME": str(home)}, prefix=ORDINARY)
    owners = {path.stat().st_uid for path in project.store.rglob("*")}
    assert owners == {65534}
    _same(built, small_image)


def test_another_python_agrees(
    seeded: Callable[[], Project],
    small_image: Built,
    tmp_path: Path,
) -> None:
    found = other_pythons()
    if not found:
        pytest.skip("no other Python of a supported version on this machine")
    project = replace(seeded(), python=install(found[-1], tmp_path / "venv"))
    _same(project.build(project.store.parent / "layout"), small_image)


def test_the_order_of_the_spec_does_not_matter(
    seeded: Callable[[], Project], small_image: Built
) -> None:
    project = seeded()
    spec = project.folder / "firstlight.toml"
    text = spec.read_text()
    packages = re.findall(r'"[a-z]+==[^"]+"', text)
    assert len(packages) == 3
    line = f"packages = [{', '.join(reversed(packages))}]"
    spec.write_text(re.sub(r"packages = .*", line, text))
    project.run("lock")
    _same(project.build(project.store.parent / "layout"), small_image)


def test_the_lock_is_the_same_and_verify_notices_when_it_is_changed(
    seeded: Callable[[], Project], small_image: Built, workspace: Path
) -> None:
    project = seeded()
    project.run("build")
    lock = project.folder / "firstlight.lock"
    expected = (workspace / "builder" / "firstlight.lock").read_bytes()
    assert lock.read_bytes() == expected
    assert small_image.image_id.encode() in expected
    project.run("verify")
    text = lock.read_text()
    digest = text.partition('image-id = "sha256:')[2][:64]
    lock.write_text(text.replace(digest, digest[::-1]))
    done = project.attempt("verify")
    assert done.returncode == 9, done.stderr
    assert project.attempt("build").returncode == 9


def _same(built: Built, expected: Built) -> None:
    assert built.image_id == expected.image_id
    assert built.manifest_digest == expected.manifest_digest
    assert built.tag == expected.tag


def _give_to_ordinary_user(folder: Path) -> None:
    os.chown(folder, 65534, 65534)
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_nlink > 1:
            unlinked(path)
        os.chown(path, 65534, 65534, follow_symlinks=False)
