"""A locked OS package that no mirror has any more."""

from __future__ import annotations

from pathlib import Path

import pytest

from firstlight.errors import NetworkError
from firstlight.lock.apt import MOVED_ON, wanted_packages
from firstlight.pack.build import build_project
from firstlight.progress import Progress
from lock.machine import Machine

SPEC = 'name = "gone"\npython = "3.11"\nprofile = "serve"\n'


def test_a_package_that_left_the_mirror_is_told_from_a_broken_network(
    tmp_path: Path,
) -> None:
    machine = Machine(tmp_path)
    machine.offer({name: {} for name in wanted_packages(machine.spec(SPEC))})
    lock, pylock, _ = machine.lock(SPEC)
    (gone,) = (tmp_path / "debian/pool").rglob("netbase_*.deb")
    gone.unlink()
    with pytest.raises(NetworkError, match=r"netbase_1_amd64\.deb") as caught:
        build_project(
            lock,
            pylock,
            platform="linux/amd64",
            folder=machine.project,
            store=machine.store,
            settings=machine.settings,
            progress=Progress(),
        )
    assert caught.value.hint == MOVED_ON
