"""What goes in is decided for the image, not for the machine that decides."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from artefacts import make_wheel
from firstlight.config import Settings
from firstlight.errors import ConflictError, LockError, NetworkError
from firstlight.lock.lockfile import Wheel
from firstlight.lock.python import resolve, select, torch_requirement
from firstlight.lock.spec import Index, Spec
from firstlight.lock.system import PYTHONS
from firstlight.net import Fetcher
from firstlight.pipconfig import PipSettings
from firstlight.store import Store
from lock.specs import make_spec
from web_server import Page, Site, serving

LOGIN = "me:geheim"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "project/wheels").mkdir(parents=True)
    return tmp_path / "project"


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


def settings(folder: Path, **environ: str) -> Settings:
    cache = {"UV_CACHE_DIR": str(folder.parent / "uv"), "HOME": str(folder.parent)}
    return Settings(store=folder.parent / "store", environ=cache | environ)


def wanted(*requirements: str, **more: Any) -> Spec:
    """A spec of a project whose wheels lie in its folder."""
    spec = make_spec(requirements=requirements, profile="serve")
    return replace(
        spec,
        indexes=(Index(url="wheels", find_links=True),),
        **more,
    )


def lock(folder: Path, spec: Spec) -> str:
    own = replace(settings(folder), pip=PipSettings(no_index=True))
    return resolve(spec, own, folder=folder)


def chosen(
    pylock: str,
    platform: str = "linux/amd64",
    *,
    python: str = "3.11",
    glibc: str = "2.36",
    folder: Path = Path(),
) -> tuple[Wheel, ...]:
    system = replace(PYTHONS[python], glibc=glibc)
    return select(pylock, platform=platform, system=system, folder=folder)


def names(wheels: tuple[Wheel, ...]) -> list[str]:
    return [wheel.filename for wheel in wheels]


# Resolving


def publish(site: Site, *files: Path, login: str = "") -> None:
    """Serve files as a package index does."""
    pages: dict[str, str] = {}
    for file in files:
        name = file.name.partition("-")[0]
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        link = f'<a href="/files/{file.name}#sha256={digest}">{file.name}</a>\n'
        pages[name] = pages.get(name, "") + link
        site.pages[f"/files/{file.name}"] = Page(file.read_bytes(), login=login)
    for name, body in pages.items():
        site.pages[f"/simple/{name}/"] = Page(
            f"<!DOCTYPE html><html><body>{body}</body></html>".encode(),
            headers={"Content-Type": "text/html"},
            login=login,
        )


def private(site: Site, folder: Path) -> Spec:
    publish(site, make_wheel(folder.parent, "demo", "1.0"), login=LOGIN)
    index = Index(url=site.url("/simple"), name="private", default=True)
    return replace(make_spec(requirements=["demo"], profile="serve"), indexes=(index,))


def test_a_private_index_takes_credentials_from_the_environment(
    site: Site, folder: Path
) -> None:
    spec = private(site, folder)
    own = settings(
        folder, UV_INDEX_PRIVATE_USERNAME="me", UV_INDEX_PRIVATE_PASSWORD="geheim"
    )
    pylock = resolve(spec, own, folder=folder)
    assert names(chosen(pylock)) == ["demo-1.0-py3-none-any.whl"]
    assert "geheim" not in pylock


def test_a_private_index_takes_credentials_from_netrc(site: Site, folder: Path) -> None:
    spec = private(site, folder)
    netrc = folder.parent / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password geheim\n")
    netrc.chmod(0o600)
    own = settings(folder, NETRC=str(netrc))
    pylock = resolve(spec, own, folder=folder)
    (wheel,) = chosen(pylock)
    assert "geheim" not in pylock
    store = Store.open(own.store)
    path = Fetcher(own, store).fetch(
        [wheel.url], digest=wheel.digest, size=wheel.size, name=wheel.filename
    )
    assert path.read_bytes() == (folder.parent / wheel.filename).read_bytes()


def test_an_index_that_refuses_says_where_credentials_go(
    site: Site, folder: Path
) -> None:
    with pytest.raises(NetworkError, match="refused us") as caught:
        resolve(private(site, folder), settings(folder), folder=folder)
    assert "netrc" in caught.value.hint


def test_a_password_never_shows_in_an_error(site: Site, folder: Path) -> None:
    spec = private(site, folder)
    index = Index(url=site.url("/simple", "me:wrong-word"), default=True)
    with pytest.raises(NetworkError) as caught:
        resolve(replace(spec, indexes=(index,)), settings(folder), folder=folder)
    assert "wrong-word" not in caught.value.message


def test_an_index_that_is_not_there_is_told_from_a_conflict(folder: Path) -> None:
    with serving() as site:
        gone = site.url("/simple")
    spec = replace(wanted("demo"), indexes=(Index(url=gone, default=True),))
    own = settings(folder, UV_HTTP_RETRIES="0")
    with pytest.raises(NetworkError, match="cannot be reached"):
        resolve(spec, own, folder=folder)


def test_a_package_that_is_only_source_is_explained(site: Site, folder: Path) -> None:
    source = folder.parent / "demo-1.0.tar.gz"
    source.write_bytes(b"never opened")
    publish(site, source)
    index = Index(url=site.url("/simple"), default=True)
    with pytest.raises(ConflictError, match="demo") as caught:
        resolve(
            replace(wanted("demo"), indexes=(index,)),
            settings(folder),
            folder=folder,
        )
    assert "only as source" in caught.value.message
    assert "pip wheel" in caught.value.hint


def test_a_version_that_is_not_there_is_named(folder: Path) -> None:
    make_wheel(folder / "wheels", "demo", "1.0")
    with pytest.raises(ConflictError, match=r"demo==99") as caught:
        lock(folder, wanted("demo==99"))
    assert re.search(r"\x1b|[╰─▶×]", caught.value.message) is None
    assert str(folder) not in caught.value.message


def test_two_wishes_that_exclude_each_other_are_both_named(folder: Path) -> None:
    make_wheel(folder / "wheels", "demo", "1.0", requires=["needed<2"])
    make_wheel(folder / "wheels", "needed", "1.0")
    make_wheel(folder / "wheels", "needed", "2.0")
    with pytest.raises(ConflictError, match=r"demo.*needed<2") as caught:
        lock(folder, wanted("demo", "needed>=2"))
    assert "needed>=2" in caught.value.message


@pytest.mark.parametrize("python", ["3.9", "3.13"])
def test_a_python_that_is_not_installed_here_is_no_obstacle(
    folder: Path, python: str
) -> None:
    tag = f"cp{python.replace('.', '')}"
    wheel = make_wheel(
        folder / "wheels",
        "demo",
        "1.0",
        tag=f"{tag}-{tag}-manylinux_2_17_x86_64",
        requires=['old; python_version < "3.10"', 'new; python_version > "3.12"'],
    )
    make_wheel(folder / "wheels", "old", "1.0")
    make_wheel(folder / "wheels", "new", "1.0")
    pylock = lock(folder, wanted("demo", python=python))
    other = "old" if python == "3.9" else "new"
    assert names(chosen(pylock, python=python, folder=folder)) == [
        wheel.name,
        f"{other}-1.0-py3-none-any.whl",
    ]


def test_the_patch_level_is_that_of_the_image(folder: Path) -> None:
    for version, python in (("1.0", ">=3.9"), ("1.1", ">=3.11.2"), ("1.2", ">=3.11.5")):
        make_wheel(
            folder / "wheels", "demo", version, metadata=f"Requires-Python: {python}\n"
        )
    markers = ("<= '3.11.2'", "> '3.11.2'")
    make_wheel(
        folder / "wheels",
        "other",
        "1.0",
        requires=[
            f"{name}; python_full_version {marker}"
            for name, marker in zip(("till", "after"), markers, strict=True)
        ],
    )
    for name in ("till", "after"):
        make_wheel(folder / "wheels", name, "1.0")
    pylock = lock(folder, wanted("demo", "other"))
    assert [(each.name, each.version) for each in chosen(pylock, folder=folder)] == [
        ("demo", "1.1"),
        ("other", "1.0"),
        ("till", "1.0"),
    ]


def test_markers_are_those_of_the_image(folder: Path) -> None:
    markers = {
        "on_mac": 'sys_platform == "darwin"',
        "on_windows": 'os_name == "nt"',
        "on_linux": 'platform_system == "Linux"',
        "on_arm": 'platform_machine == "aarch64"',
        "on_intel": 'platform_machine == "x86_64"',
    }
    for name in markers:
        make_wheel(folder / "wheels", name, "1.0")
    make_wheel(
        folder / "wheels",
        "demo",
        "1.0",
        requires=[f"{name}; {marker}" for name, marker in markers.items()],
    )
    pylock = lock(folder, wanted("demo"))
    on_arm = chosen(pylock, "linux/arm64", folder=folder)
    assert [wheel.name for wheel in on_arm] == ["demo", "on-arm", "on-linux"]
    on_intel = chosen(pylock, folder=folder)
    assert [wheel.name for wheel in on_intel] == ["demo", "on-intel", "on-linux"]


def test_wheels_of_the_project_are_found_in_every_checkout(folder: Path) -> None:
    wheel = make_wheel(folder / "wheels", "demo", "1.0+local.1")
    pylock = lock(folder, wanted("demo"))
    moved = folder.parent / "a b"
    shutil.move(folder, moved)
    (found,) = chosen(pylock, folder=moved)
    assert found.url == (moved / "wheels" / wheel.name).as_uri()


def test_the_choice_before_is_kept_until_asked_to_upgrade(folder: Path) -> None:
    make_wheel(folder / "wheels", "demo", "1.0")
    pylock = folder / "pylock.toml"
    pylock.write_text(lock(folder, wanted("demo")))
    make_wheel(folder / "wheels", "demo", "2.0")
    own = replace(settings(folder), pip=PipSettings(no_index=True))

    def again(upgrade: bool) -> list[str]:
        text = resolve(
            wanted("demo"), own, folder=folder, previous=pylock, upgrade=upgrade
        )
        return [wheel.version for wheel in chosen(text, folder=folder)]

    assert again(upgrade=False) == ["1.0"]
    assert again(upgrade=True) == ["2.0"]


@pytest.mark.parametrize(
    ("version", "requirement"),
    [
        ("2.7.1", "torch==2.7.1"),
        ("2.7", "torch==2.7.*"),
        (">=2.6,<2.8", "torch>=2.6,<2.8"),
    ],
)
def test_a_minor_of_torch_means_any_of_its_releases(
    version: str, requirement: str
) -> None:
    assert torch_requirement(version) == requirement


@pytest.mark.parametrize(
    ("cuda", "torch"), [("cpu", "2.7.1+cpu"), ("11.8", "2.7.1+cu118")]
)
def test_a_folder_may_have_the_build_that_is_asked_for(
    folder: Path, cuda: str, torch: str
) -> None:
    for local in ("", "+cpu", "+cu118", "+cu128"):
        make_wheel(folder / "wheels", "torch", f"2.7.1{local}")
    pylock = lock(folder, wanted(torch="2.7.1", cuda=cuda))
    assert [wheel.version for wheel in chosen(pylock, folder=folder)] == [torch]


# Selecting


def written(name: str, *tags: str) -> str:
    wheels = ", ".join(
        f'{{ url = "https://index.test/{name}-1.0-{tag}.whl", '
        f'hashes = {{ sha256 = "{"0" * 64}" }} }}'
        for tag in tags
    )
    return (
        'lock-version = "1.0"\ncreated-by = "test"\n\n[[packages]]\n'
        f'name = "{name}"\nversion = "1.0"\nwheels = [{wheels}]\n'
    )


@pytest.mark.parametrize(
    ("platform", "glibc", "tag"),
    [
        ("linux/amd64", "2.36", "cp311-cp311-manylinux_2_34_x86_64"),
        ("linux/amd64", "2.31", "cp311-cp311-manylinux_2_17_x86_64"),
        ("linux/arm64", "2.36", "cp311-cp311-manylinux_2_28_aarch64"),
        ("linux/arm64", "2.27", "cp311-cp311-manylinux2014_aarch64"),
    ],
)
def test_takes_the_wheel_that_loads_on_the_image(
    platform: str, glibc: str, tag: str
) -> None:
    pylock = written(
        "demo",
        "cp311-cp311-manylinux_2_34_x86_64",
        "cp311-cp311-manylinux_2_17_x86_64",
        "cp311-cp311-musllinux_1_2_x86_64",
        "cp312-cp312-manylinux_2_17_x86_64",
        "cp311-cp311-manylinux_2_28_aarch64",
        "cp311-cp311-manylinux2014_aarch64",
        "cp311-cp311-macosx_11_0_arm64",
        "cp311-cp311-win_amd64",
    )
    found = chosen(pylock, platform, glibc=glibc)
    assert names(found) == [f"demo-1.0-{tag}.whl"]


def test_says_which_glibc_no_wheel_is_for() -> None:
    pylock = written("demo", "cp311-cp311-manylinux_2_39_x86_64")
    with pytest.raises(ConflictError, match=r"glibc 2\.36.*demo") as caught:
        chosen(pylock)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("not toml [", "cannot be read"),
        ("", "cannot be read"),
        ('lock-version = "9.0"\ncreated-by = "x"\npackages = []\n', "cannot be read"),
        (written("demo", "nonsense"), "cannot be read"),
        (written("demo", "py3-none-any").replace("0" * 64, "zz"), "no SHA-256 digest"),
        (
            written("demo", "py3-none-any").replace("sha256 =", "md5 ="),
            "no SHA-256 digest",
        ),
    ],
    ids=["no toml", "empty", "newer", "a name of no wheel", "no digest", "md5"],
)
def test_a_damaged_lock_is_named(text: str, problem: str) -> None:
    with pytest.raises(LockError, match=problem):
        chosen(text)


def changed(values: Mapping[str, str], text: str) -> str:
    for old, new in values.items():
        text = text.replace(old, new)
    return text


def test_a_lock_with_only_source_of_a_package_says_so() -> None:
    text = changed(
        {"wheels = [": "sdist = ", "-py3-none-any.whl": ".tar.gz", "}]": "}"},
        written("demo", "py3-none-any"),
    )
    with pytest.raises(ConflictError, match="has no wheel for linux/amd64"):
        chosen(text)
