"""Blobs on this machine are taken from there, and believed as little as any."""

from __future__ import annotations

import errno
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from firstlight.config import Settings
from firstlight.digest import Digest, of_bytes
from firstlight.errors import ArtefactError, DigestError, NetworkError, UsageError
from firstlight.finding import Finding
from firstlight.nearby import Layout, Nearby
from firstlight.net import Download, Fetcher
from firstlight.progress import Progress
from firstlight.store import Store
from web_server import Page, serving

DATA = bytes(range(256)) * 4000
DIGEST = of_bytes(DATA)


class Heard(Progress):
    def __init__(self) -> None:
        self.warned: list[Finding] = []

    def warn(self, finding: Finding) -> None:
        """Remember it."""
        self.warned.append(finding)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "store")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A layout with one blob."""
    folder = tmp_path / "vendor"
    (folder / "blobs/sha256").mkdir(parents=True)
    (folder / "oci-layout").write_text("{}")
    (folder / "blobs/sha256" / DIGEST[7:]).write_bytes(DATA)
    return folder


def packed(folder: Path, form: int = tarfile.PAX_FORMAT) -> Path:
    file = folder.with_suffix(".tar")
    with tarfile.open(file, "w", format=form) as archive:
        archive.add(folder, ".")
    return file


def settings(store: Store, *places: Path, offline: bool = True) -> Settings:
    return Settings(store=store.root, offline=offline, vendored=places)


def fetch(
    store: Store, given: Settings, *urls: str, heard: Heard | None = None
) -> Path:
    fetcher = Fetcher(given, store, heard, retries=0, timeout=2)
    try:
        return fetcher.fetch(urls, digest=DIGEST, size=len(DATA), name="a.whl")
    finally:
        fetcher.close()


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
@pytest.mark.parametrize("is_file", [False, True])
def test_a_blob_comes_from_a_folder_or_a_file(
    is_file: bool, form: int, folder: Path, store: Store
) -> None:
    place = packed(folder, form) if is_file else folder
    assert fetch(store, settings(store, place)).read_bytes() == DATA
    assert store.has(DIGEST, len(DATA))


def test_one_of_the_same_user_is_linked_and_not_copied(
    folder: Path, store: Store
) -> None:
    path = folder / "blobs/sha256" / DIGEST[7:]
    assert fetch(store, settings(store, folder)).samefile(path)


def test_one_that_others_may_write_is_copied(folder: Path, store: Store) -> None:
    path = folder / "blobs/sha256" / DIGEST[7:]
    path.chmod(0o664)
    found = fetch(store, settings(store, folder))
    assert not found.samefile(path)
    assert found.read_bytes() == DATA


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_one_of_another_user_is_copied(folder: Path, store: Store) -> None:
    path = folder / "blobs/sha256" / DIGEST[7:]
    os.chown(path, 1234, 1234)
    assert not fetch(store, settings(store, folder)).samefile(path)


def test_it_is_asked_before_any_server(folder: Path, store: Store) -> None:
    with serving() as site:
        site.pages["/a.whl"] = Page(DATA)
        given = settings(store, folder, offline=False)
        fetch(store, given, site.url("/a.whl"))
        assert not site.requests


def altered(data: bytes) -> bytes:
    return data[:-1] + b"\0"


@pytest.mark.parametrize("change", [altered, lambda data: data[:-1], lambda _: b""])
@pytest.mark.parametrize("is_file", [False, True])
def test_a_damaged_one_is_named_and_never_kept(
    is_file: bool, change: Callable[[bytes], bytes], folder: Path, store: Store
) -> None:
    (folder / "blobs/sha256" / DIGEST[7:]).write_bytes(change(DATA))
    place = packed(folder) if is_file else folder
    with pytest.raises(DigestError, match=rf"{place} holds a damaged file: a\.whl"):
        fetch(store, settings(store, place))
    assert not store.path(DIGEST).exists()


def test_after_a_damaged_one_a_server_is_asked_where_one_may_be(
    folder: Path, store: Store
) -> None:
    (folder / "blobs/sha256" / DIGEST[7:]).write_bytes(altered(DATA))
    heard = Heard()
    with serving() as site:
        site.pages["/a.whl"] = Page(DATA)
        given = settings(store, folder, offline=False)
        found = fetch(store, given, site.url("/a.whl"), heard=heard)
    assert found.read_bytes() == DATA
    assert [each.code for each in heard.warned] == ["vendor.damaged"]


def test_the_next_layout_is_tried_after_a_damaged_one(
    folder: Path, store: Store, tmp_path: Path
) -> None:
    whole = packed(folder)
    (folder / "blobs/sha256" / DIGEST[7:]).unlink()
    (folder / "blobs/sha256" / DIGEST[7:]).write_bytes(altered(DATA))
    assert fetch(store, settings(store, folder, whole)).read_bytes() == DATA


def test_a_link_a_pipe_and_a_folder_are_no_blobs(
    folder: Path, store: Store, tmp_path: Path
) -> None:
    path = folder / "blobs/sha256" / DIGEST[7:]
    path.rename(tmp_path / "real")
    path.symlink_to(tmp_path / "real")
    nearby = Nearby(settings(store, folder), store)
    assert not nearby.has(DIGEST, None)
    path.unlink()
    os.mkfifo(path)
    assert not nearby.bring(DIGEST, None, "a")
    path.unlink()
    path.mkdir()
    assert not nearby.bring(DIGEST, None, "a")
    assert Layout.open(folder).blob(DIGEST) is None


def test_a_file_that_cannot_be_read_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    layout = Layout.open(folder)
    monkeypatch.setattr(os, "open", refused)  # Root may read everything.
    with pytest.raises(ArtefactError, match="cannot be read: Permission denied"):
        layout.blob(DIGEST)


def test_offline_no_server_is_asked(store: Store) -> None:
    with serving() as site:
        site.pages["/a.whl"] = Page(DATA)
        fetcher = Fetcher(settings(store), store)
        for ask in (
            lambda: fetcher.get(site.url("/a.whl")),
            lambda: fetcher.get_or_none(site.url("/a.whl")),
            lambda: fetcher.open_range(site.url("/a.whl")),
            lambda: fetch(store, settings(store), site.url("/a.whl")),
            lambda: fetcher.get("https://no.such.host.example/a.whl"),
        ):
            with pytest.raises(NetworkError, match="no network may be used") as caught:
                ask()
            assert "--offline" in caught.value.hint
        assert not site.requests


def test_offline_a_local_file_is_taken(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a.whl").write_bytes(DATA)
    url = (tmp_path / "a.whl").as_uri()
    assert fetch(store, settings(store), url).read_bytes() == DATA


def test_what_is_no_layout_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("empty", "absent"):
        with pytest.raises(UsageError, match=name) as caught:
            Layout.open(tmp_path / name)
        assert "firstlight vendor" in caught.value.hint
    (tmp_path / "text").write_text("hello" * 1000)
    with pytest.raises(ArtefactError, match="no tar file"):
        Layout.open(tmp_path / "text")


def test_a_tar_file_that_was_cut_is_told(folder: Path) -> None:
    file = packed(folder)
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])
    with pytest.raises(ArtefactError, match="no tar file of an OCI layout"):
        Layout.open(file)


def test_links_in_a_tar_file_are_no_files(folder: Path) -> None:
    file = folder.with_suffix(".tar")
    with tarfile.open(file, "w") as archive:
        marker = tarfile.TarInfo("oci-layout")
        archive.addfile(marker, io.BytesIO())
        link = tarfile.TarInfo(f"blobs/sha256/{DIGEST[7:]}")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    assert Layout.open(file).size(DIGEST) is None


def test_a_name_without_end_in_a_tar_file_is_refused(folder: Path) -> None:
    file = folder.with_suffix(".tar")
    with tarfile.open(file, "w", format=tarfile.GNU_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("x" * (1 << 17)))
    with pytest.raises(ArtefactError, match="too long"):
        Layout.open(file)


def test_small_files_have_a_limit(folder: Path) -> None:
    layout = Layout.open(folder)
    assert layout.small("oci-layout", 2) == b"{}"
    with pytest.raises(ArtefactError, match="more than 1 bytes"):
        layout.small("oci-layout", 1)
    with pytest.raises(ArtefactError, match="has no file"):
        layout.small("other", 1)


def test_several_are_fetched_at_once(folder: Path, store: Store) -> None:
    blobs = [bytes([number]) * 5000 for number in range(40)]
    for data in blobs:
        (folder / "blobs/sha256" / of_bytes(data)[7:]).write_bytes(data)
    items = [
        Download(urls=(), digest=of_bytes(data), size=5000, name="x") for data in blobs
    ]
    Fetcher(settings(store, packed(folder)), store).fetch_all(items)
    assert all(store.has(Digest(item.digest)) for item in items)
