"""OS packages are locked from signed archives, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from debian_archive import make_archive, make_deb, make_key
from firstlight.config import Settings
from firstlight.digest import of_bytes
from firstlight.errors import ArtefactError, ConflictError, FirstlightError
from firstlight.lock.apt import deb_urls, resolve
from firstlight.lock.archive import Trust
from firstlight.lock.debversion import version_key
from firstlight.lock.spec import Spec, Target
from firstlight.net import Fetcher
from firstlight.store import Store

SPEC = Spec(
    name="x",
    python="3.12",
    torch="",
    cuda="auto",
    requirements=(),
    system=(),
    compile=False,
    profile="serve",
    suite="",
    target=Target(),
    indexes=(),
    environment=(),
    digest=of_bytes(b""),
)


class World:
    """An archive of noble in a folder, and everything needed to lock from it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.key = folder, make_key()
        self.archive = folder / "ubuntu"
        self.store = Store.open(folder / "store")
        self.settings = Settings(
            store=self.store.root, mirrors={"ubuntu": (self.archive.as_uri(),)}
        )

    def offer(self, **packages: dict[str, str]) -> Path:
        debs = [
            make_deb(self.folder / "in", name, control=fields, compression="zst")
            for name, fields in packages.items()
        ]
        return make_archive(self.archive, "noble", debs, self.key)

    def lock(self, *names: str, fingerprints: frozenset[str] | None = None):
        own = frozenset({self.key.extract_certificate().fingerprint})
        (self.folder / "keys").mkdir(exist_ok=True)
        (self.folder / "keys/own.pgp").write_bytes(
            bytes(self.key.extract_certificate())
        )
        return resolve(
            SPEC,
            self.settings,
            Fetcher(self.settings, self.store, retries=0),
            self.store,
            platform="linux/amd64",
            packages=names,
            trust=Trust(
                fingerprints=own if fingerprints is None else fingerprints,
                folders=(self.folder / "keys",),
            ),
        )


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_takes_what_is_needed_and_no_more(world: World) -> None:
    world.offer(a={"Depends": "b | c, d"}, b={}, c={}, e={"Provides": "d"}, f={})
    archives, debs = world.lock("a", "c")
    assert [deb.name for deb in debs] == ["a", "c", "e"]
    (url,) = deb_urls(debs[0], archives, world.settings)
    assert of_bytes(Path(url.removeprefix("file://")).read_bytes()) == debs[0].digest


def test_finds_a_way_around_packages_that_exclude_each_other(world: World) -> None:
    world.offer(a={"Depends": "b | c, z"}, b={}, c={}, z={"Conflicts": "b"})
    assert [deb.name for deb in world.lock("a")[1]] == ["a", "c", "z"]


def test_says_who_needs_what_is_not_there(world: World) -> None:
    world.offer(a={"Depends": "b (>= 2)"}, b={})
    with pytest.raises(ConflictError, match=r"a 1\.0-1 needs b \(>= 2\).*has 1\.0-1"):
        world.lock("a")


def test_says_which_of_two_packages_excludes_the_other(world: World) -> None:
    world.offer(a={"Breaks": "b (<< 2)"}, b={})
    with pytest.raises(ConflictError, match="exclude each other"):
        world.lock("a", "b")


def test_suggests_a_name(world: World) -> None:
    world.offer(bubblewrap={})
    with pytest.raises(ConflictError) as caught:
        world.lock("bublewrap")
    assert "did you mean bubblewrap" in caught.value.hint


def test_refuses_an_altered_release(world: World) -> None:
    path = world.offer(a={})
    path.write_bytes(path.read_bytes().replace(b"Origin: Test", b"Origin: Tesd"))
    with pytest.raises(ArtefactError, match="cannot be trusted"):
        world.lock("a")


def test_refuses_a_key_that_is_not_pinned(world: World) -> None:
    world.offer(a={})
    with pytest.raises(ArtefactError, match="cannot be trusted"):
        world.lock("a", fingerprints=frozenset({"0" * 40}))


def test_refuses_an_altered_index(world: World) -> None:
    world.offer(a={})
    index = world.archive / "dists/noble/main/binary-amd64/Packages.xz"
    index.write_bytes(index.read_bytes()[:-9])
    with pytest.raises(FirstlightError, match=r"Packages\.xz"):
        world.lock("a")


@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        ("1.0~rc1", "1.0"),
        ("1.0~~", "1.0~"),
        ("1.9", "1.10"),
        ("2.0", "1:0.1"),
        ("1.0-1", "1.0-1+b1"),
        ("1.0a", "1.0+"),
        ("1.0-1~deb12u1", "1.0-1"),
    ],
)
def test_orders_versions_as_debian_does(lower: str, higher: str) -> None:
    assert version_key(lower) < version_key(higher)


def test_absent_parts_of_a_version_are_zero() -> None:
    assert version_key("0:1") == version_key("1-0") == version_key("1-")
