"""Encoded layers before strict judges: engines, and the snapshotter's own library."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import random
import subprocess
import tarfile
from pathlib import Path

import pytest
from engine_tools import Tool

from encoding.layers import file, image_of, link, packed_wheel, tar_of
from firstlight.encoding.encode import Encoded, Encoding, encode
from firstlight.oci import archive, layout
from firstlight.oci.model import Image
from firstlight.oci.serve import serve
from firstlight.progress import Progress
from firstlight.store import Store

pytestmark = [pytest.mark.engine, pytest.mark.slow]

LIBRARY = Path("/usr/share/gocode/src/github.com/containerd/stargz-snapshotter/estargz")
GO_PACKAGES = ("golang-go", "golang-github-containerd-stargz-snapshotter-dev")
JUDGE = Path(__file__).parents[1] / "encoding" / "judge" / "main.go"
TOC = "containerd.io/snapshot/stargz/toc.digest"
RESERVED = {"stargz.index.json", ".no.prefetch.landmark"}


@pytest.fixture(scope="module")
def store(workspace: Path) -> Store:
    return Store.open(workspace / "encodings")


@pytest.fixture(scope="module")
def tars(workspace: Path) -> list[tuple[bytes, bytes]]:
    """A layer as firstlight makes it, and one of everything a tar may hold."""
    dice = random.Random(1)
    files = {f"venv/{n}": dice.randbytes(n * 900).hex().encode() for n in range(30)}
    blob = packed_wheel(workspace, files)
    large = dice.randbytes(4 << 20)
    plain = tar_of(
        file("etc", type=tarfile.DIRTYPE, mode=0o755),
        file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n", mtime=315_532_800),
        file("etc/empty", mode=0o600),
        file("su", b"x", mode=0o4755, uid=5, gid=6),
        *(file(f"large{n}", large[:-1] + b"12"[:n]) for n in range(3)),
        file("larger", large + large + b"x"),
        file("n" * 90 + "/" + "m" * 90, "ö".encode(), mtime=2**33),
        file("attributes", b"a", pax_headers={"SCHILY.xattr.user.a": "ü"}),
        link("etc/alias", "passwd"),
        link("etc/same", "etc/passwd", tarfile.LNKTYPE),
    )
    return [(gzip.decompress(blob), blob), (plain, gzip.compress(plain, mtime=0))]


@pytest.fixture(scope="module")
def image(tars: list[tuple[bytes, bytes]], store: Store) -> Image:
    return image_of(store, *tars)


def encoded(image: Image, encoding: Encoding, store: Store) -> Encoded:
    return encode(image, encoding, store, jobs=2, progress=Progress())


@pytest.fixture(params=list(Encoding))
def each(request: pytest.FixtureRequest, image: Image, store: Store) -> Image:
    """The image in every encoding."""
    return encoded(image, request.param, store).image


def written(image: Image, store: Store, folder: Path) -> str:
    """The image in a layout, as skopeo and Podman name it."""
    layout.write(image, store, folder, tag="it")
    return f"oci:{folder}:it"


def tree(root: Path) -> dict[str, tuple[int, int, int, str]]:
    """Rights, owner, and content or target of every path."""
    found = {}
    for path in sorted(root.rglob("*")):
        name, told = str(path.relative_to(root)), path.lstat()
        if name in RESERVED:
            continue
        what = str(path.readlink()) if path.is_symlink() else ""
        if path.is_file() and not path.is_symlink():
            what = hashlib.sha256(path.read_bytes()).hexdigest()
        found[name] = (told.st_mode, told.st_uid, told.st_gid, what)
    return found


@pytest.fixture(scope="module")
def expected(tars: list[tuple[bytes, bytes]], workspace: Path) -> dict[str, object]:
    """The tree that GNU tar makes of the layers."""
    root = workspace / "by-tar"
    root.mkdir()
    for plain, _ in tars:
        subprocess.run(
            ["tar", "-xp", "--numeric-owner", "-C", root], input=plain, check=True
        )
    return tree(root)


def test_podman_unpacks_the_same_files(
    each: Image, store: Store, podman: Tool, expected: dict[str, object], tmp_path: Path
) -> None:
    podman.attempt("rmi", "-f", each.id.removeprefix("sha256:"))
    found = podman.run("pull", "-q", written(each, store, tmp_path / "layout")).strip()
    assert f"sha256:{found}" == each.id
    root = Path(podman.run("image", "mount", found).strip())
    try:
        assert tree(root) == expected
    finally:
        podman.run("image", "unmount", found)


def test_podman_loads_the_archive(
    each: Image, store: Store, podman: Tool, tmp_path: Path
) -> None:
    podman.attempt("rmi", "-f", each.id.removeprefix("sha256:"))
    archive.write_docker(each, store, tmp_path / "image.tar")
    podman.run("load", "-q", "-i", tmp_path / "image.tar")
    assert each.id in podman.run("images", "-q", "--no-trunc").split()


def test_skopeo_and_a_registry_take_the_layers_as_they_are(
    each: Image, store: Store, skopeo: Tool, registry: str, tmp_path: Path
) -> None:
    there = f"docker://{registry}/encodings/{each.manifest[7:19]}:it"
    source = written(each, store, tmp_path / "layout")
    # Without the option, skopeo takes a layer that it saw before for one of the same
    # content, however that is compressed.
    copy = ("copy", "-q", "--preserve-digests")
    skopeo.run(*copy, "--dest-tls-verify=false", source, there)
    skopeo.run(*copy, "--src-tls-verify=false", there, f"oci:{tmp_path}/back:it")
    for blob in layout.blobs_of(each):
        back = tmp_path / "back/blobs/sha256" / blob[7:]
        assert back.read_bytes() == store.path(blob).read_bytes()


@pytest.mark.parametrize("encoding", [Encoding.ESTARGZ, Encoding.ESTARGZ_EMBEDDED])
def test_umoci_unpacks_the_same_files(
    encoding: Encoding,
    image: Image,
    store: Store,
    umoci: Tool,
    expected: dict[str, object],
    tmp_path: Path,
) -> None:
    made = encoded(image, encoding, store).image
    where = written(made, store, tmp_path / "layout").removeprefix("oci:")
    umoci.run("unpack", "--image", where, tmp_path / "bundle")
    assert tree(tmp_path / "bundle/rootfs") == expected


def test_docker_pulls_what_is_gzip_and_zstd_made_gzip_again(
    each: Image, store: Store, docker: Tool
) -> None:
    """Docker 20.10 knows no zstd; the image is the same whatever it was packed in."""
    pulled = encoded(each, Encoding.GZIP, store).image
    assert pulled.id == each.id
    with serve(pulled, store) as served:
        docker.run("pull", "-q", served.reference)
        found = docker.run("inspect", "-f", "{{.Id}}", served.reference).strip()
        docker.run("rmi", served.reference)
    assert found == each.id


@pytest.fixture(scope="module")
def judge(workspace: Path) -> Tool:
    """A program that reads with the stargz snapshotter's library, as Debian has it."""
    if not LIBRARY.is_dir():
        if os.geteuid() != 0 or not Path("/usr/bin/apt-get").exists():
            pytest.skip(
                "the library is not here, and only root on Debian can install it"
            )
        apt = Tool(
            words=("apt-get", "-qq"), environ={"DEBIAN_FRONTEND": "noninteractive"}
        )
        apt.run("update")
        apt.run("install", "-y", "--no-install-recommends", *GO_PACKAGES, timeout=900)
    go = Tool(
        words=("/usr/bin/go", "build", "-o", str(workspace / "judge")),
        environ={
            "GO111MODULE": "off",
            "GOPATH": str(LIBRARY.parents[4]),
            "GOCACHE": str(workspace / "go-cache"),
            "GOFLAGS": "",
        },
    )
    go.run(JUDGE)
    return Tool(words=(str(workspace / "judge"),))


@pytest.mark.parametrize("encoding", [Encoding.ESTARGZ, Encoding.ESTARGZ_EMBEDDED])
def test_the_snapshotters_library_reads_and_verifies_every_chunk(
    encoding: Encoding,
    image: Image,
    tars: list[tuple[bytes, bytes]],
    store: Store,
    judge: Tool,
) -> None:
    made = encoded(image, encoding, store)
    tables = (
        [store.path(each.digest) for each in made.companion.layers]
        if (made.companion)
        else []
    )
    for number, (layer, (plain, _)) in enumerate(
        zip(made.image.layers, tars, strict=True)
    ):
        outside = tables[number : number + 1]
        digest = dict(layer.annotations)[TOC]
        lines = judge.run(store.path(layer.digest), digest, *outside).splitlines()
        found = {line.split("\t")[0][1:]: line.split("\t")[1:] for line in lines}
        for name in RESERVED:
            found.pop(name, None)
        assert _of_tar(plain).items() <= found.items()
        wrong = judge.attempt(store.path(layer.digest), "sha256:" + "0" * 64, *outside)
        assert "invalid TOC JSON" in wrong.stderr


def _of_tar(plain: bytes) -> dict[str, list[str]]:
    """What the judge should print, as `tarfile` sees it."""
    kinds = {b"0": "reg", b"5": "dir", b"2": "symlink"}
    found = {}
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        for each in tar:
            source = tar.getmember(each.linkname) if each.islnk() else each
            link = source.linkname if source.issym() else ""
            # Go takes the zero of Unix for no time at all.
            time = int(source.mtime) or -62_135_596_800
            row = [kinds[source.type], f"{source.mode:o}"]
            row += [str(source.uid), str(source.gid), str(time), link]
            row += [
                f"{name.removeprefix('SCHILY.xattr.')}={value}"
                for name, value in source.pax_headers.items()
                if name.startswith("SCHILY.xattr.")
            ]
            if source.isreg():
                stream = tar.extractfile(source)
                assert stream
                row.append(hashlib.sha256(stream.read()).hexdigest())
            found[each.name] = row
    return found
