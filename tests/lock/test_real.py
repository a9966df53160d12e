"""Real archives and real wheels, from wherever this machine takes its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from firstlight.config import Settings, load_settings
from firstlight.lock import apt
from firstlight.lock.lockfile import Stack
from firstlight.lock.make import make_lock
from firstlight.lock.spec import Spec, read_spec
from firstlight.lock.system import SUITES
from firstlight.lock.text import dump_lock, parse_lock
from firstlight.net import Fetcher
from firstlight.store import Store

pytestmark = pytest.mark.slow

TEN_LINES = """\
name = "quickstart"
python = "3.11"
torch = "2.7.1"
cuda = "12.6"
packages = ["torchvision", "jupyterlab"]
system = ["git"]

[target]
gpus = ["A100", "H100"]
driver = "550"
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    found = load_settings()
    if not found.mirrors.get("debian"):
        pytest.skip("this machine knows no mirror of Debian")
    return replace(found, store=tmp_path / "store")


def spec(folder: Path, text: str) -> Spec:
    (folder / "firstlight.toml").write_text(text)
    return read_spec(folder)


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
@pytest.mark.parametrize("suite", ["bullseye", "bookworm", "trixie"])
def test_a_release_of_debian_is_locked_whole(
    tmp_path: Path, settings: Settings, suite: str, architecture: str
) -> None:
    store = Store.open(settings.store)
    python = SUITES[suite].python
    archives, debs = apt.resolve(
        spec(tmp_path, f'python = "{python}"\ncompile = true\n'),
        settings,
        Fetcher(settings, store),
        store,
        platform=f"linux/{architecture}",
    )
    names = {deb.name: deb for deb in debs}
    assert names.keys() >= {f"python{python}", "libc6", "apt", "gcc", "git"}
    assert names["libc6"].version.startswith(SUITES[suite].glibc)
    assert {deb.architecture for deb in debs} == {architecture, "all"}
    assert suite in {archive.suite for archive in archives}
    assert all(apt.deb_urls(deb, archives, settings) for deb in debs)


def test_ten_lines_become_a_stack_read_from_the_wheels(
    tmp_path: Path, settings: Settings
) -> None:
    store = Store.open(settings.store)
    fetcher = Fetcher(settings, store)
    lock, pylock, findings = make_lock(
        spec(tmp_path, TEN_LINES), settings, fetcher, store, folder=tmp_path
    )
    assert findings == []
    assert parse_lock(dump_lock(lock)) == lock
    (part,) = lock.platforms
    assert part.stack == Stack(
        torch="2.7.1+cu126",
        cuda="12.6",
        cudnn="9.5.1.17",
        nccl="2.26.2",
        triton="3.3.1",
        architectures=("sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90"),
        driver="525.60.13",
        glibc=part.stack.glibc,
    )
    assert 'name = "torchvision"' in pylock
    kept = sum(path.stat().st_size for path in store.root.rglob("*") if path.is_file())
    assert kept < 64 << 20, "wheels are read by ranges; only indexes are kept"


def test_adding_a_package_changes_nothing_else(
    tmp_path: Path, settings: Settings
) -> None:
    store = Store.open(settings.store)
    fetcher = Fetcher(settings, store)

    def lock(text: str) -> tuple[dict[str, str], str]:
        made, pylock, _ = make_lock(
            spec(tmp_path, text), settings, fetcher, store, folder=tmp_path
        )
        (tmp_path / "pylock.toml").write_text(pylock)
        return {deb.name: deb.version for deb in made.platforms[0].debs}, pylock

    text = 'name = "x"\npython = "3.11"\npackages = ["requests"]\n'
    debs, pylock = lock(text)
    more, after = lock(text.replace('"requests"', '"requests", "rich"'))
    assert more == debs
    assert set(pylock.splitlines()) <= set(after.splitlines())
