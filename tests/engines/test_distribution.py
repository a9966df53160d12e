"""Blobs and manifests into the distribution project's own registry, and out again."""

from __future__ import annotations

import hashlib
import io
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest
from engine_tools import Tool, daemon

from firstlight.errors import NetworkError
from firstlight.oci.model import CONFIG_TYPE, LAYER_TYPE, MANIFEST_TYPE, canonical_json
from oci.repositories import (
    about,
    content,
    layer,
    logged_in,
    packed,
    repository,
    stored,
    upload,
)

pytestmark = [pytest.mark.slow, pytest.mark.engine]

CHUNK = 4 << 20
BODY = content(20 << 20)
CONFIG = canonical_json(
    {"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers"}, "config": {}}
)
# `secret-word` by bcrypt: the registry knows no other hash.
LOGIN = "me:$2b$04$410KcKnAF.PFNBvFPn4LhOCv29O7umqb5dGXFsuRaccD0O.14mkjC\n"


def image() -> bytes:
    """A manifest of the two blobs."""
    config, body = layer(CONFIG), layer(BODY)
    return canonical_json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": {
                "mediaType": CONFIG_TYPE,
                "digest": config.digest,
                "size": config.size,
            },
            "layers": [
                {"mediaType": LAYER_TYPE, "digest": body.digest, "size": body.size}
            ],
        }
    )


def test_an_image_goes_there_and_comes_back(
    registry: str, skopeo: Tool, tmp_path: Path
) -> None:
    with repository(registry, tmp_path / "here", "client/one", chunk=CHUNK) as made:
        assert made.tags() == []
        assert made.manifest("v1") is None
        done = made.push_blobs([upload(BODY), upload(CONFIG)])
        assert [each.how for each in done] == ["uploaded", "uploaded"]
        digest = made.put_manifest(image(), MANIFEST_TYPE, "v1")
        again = made.push_blobs([upload(BODY), upload(CONFIG)])
        assert [(each.how, each.sent) for each in again] == [("there", 0)] * 2
        assert made.tags() == ["v1"]
        assert made.blob_size(layer(BODY).digest) == len(BODY)
    seen = json.loads(
        skopeo.run(
            "inspect", "--tls-verify=false", f"docker://{registry}/client/one:v1"
        )
    )
    assert seen["Digest"] == digest
    with repository(registry, tmp_path / "there", "client/one") as made:
        found = made.manifest(digest)
        assert found is not None
        assert found.data == image()
        made.fetch([layer(BODY), layer(CONFIG)])
    assert stored(tmp_path / "there", BODY) == BODY


def test_a_blob_is_mounted_from_another_repository(
    registry: str, tmp_path: Path
) -> None:
    body = content(1 << 20, 7)
    with repository(registry, tmp_path, "client/source") as made:
        made.push_blobs([upload(body)])
    with repository(registry, tmp_path, "client/target") as made:
        (done,) = made.push_blobs([upload(body, "client/none", "client/source")])
    assert (done.how, done.sent) == ("mounted", 0)


def test_referrers_are_listed_without_its_help(registry: str, tmp_path: Path) -> None:
    with repository(registry, tmp_path, "client/about", chunk=CHUNK) as made:
        made.push_blobs([upload(BODY), upload(CONFIG), upload(b"{}")])
        subject = made.put_manifest(image(), MANIFEST_TYPE)
        made.attach(about(image(), "a/sbom"), subject)
        made.attach(about(image(), "a/signature"), subject)
        kinds = [each.artifact_type for each in made.referrers(subject)]
        assert kinds == ["a/sbom", "a/signature"]
        (found,) = made.referrers(subject, "a/sbom")
        assert made.manifest(found.digest) is not None


def test_an_upload_goes_on_between_chunks_in_another_process(
    registry: str, tmp_path: Path
) -> None:
    body = content(20 << 20, 8)
    opened = []

    def interrupted() -> BinaryIO:
        opened.append(1)
        if len(opened) == 4:
            raise KeyboardInterrupt
        return io.BytesIO(body)

    item = upload(body)
    with (
        repository(registry, tmp_path, "client/cut", chunk=CHUNK) as made,
        pytest.raises(KeyboardInterrupt),
    ):
        made.push_blobs([replace(item, open=interrupted)])
    with repository(registry, tmp_path, "client/cut", chunk=CHUNK) as made:
        (done,) = made.push_blobs([item])
        assert (done.how, done.sent) == ("uploaded", len(body) - 3 * CHUNK)
        made.fetch([layer(body)])
    assert stored(tmp_path, body) == body


BIG = 200 << 20
# Pushes or fetches a large blob in a process of its own, which tells its memory.
TRANSFERS = """
import re, sys
sys.path[:0] = ["tests"]
from pathlib import Path
from firstlight.oci.registry import Upload
from firstlight.oci.model import Descriptor
from oci.repositories import repository
host, folder, path, digest, what = sys.argv[1:]
size = Path(path).stat().st_size
opened = lambda: Path(path).open("rb")
with repository(host, Path(folder), "client/big", chunk=8 << 20) as made:
    if what == "push":
        blob = Upload(digest=digest, size=size, open=opened, name="b")
        print(made.push_blobs([blob])[0].how, end=" ")
    else:
        made.fetch([Descriptor(media_type="a/b", digest=digest, size=size)])
# What getrusage tells includes the process that started this one.
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A large file, and its digest."""
    path = tmp_path_factory.mktemp("big") / "blob"
    with path.open("wb") as stream:
        for number in range(BIG >> 20):
            stream.write(content(1 << 20, number))
    with path.open("rb") as stream:
        return path, "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()


def transfer(
    what: str, host: str, folder: Path, big: tuple[Path, str]
) -> subprocess.Popen[str]:
    """Start a process that pushes or fetches the file."""
    words = [sys.executable, "-c", TRANSFERS, host, folder, *big, what]
    return subprocess.Popen(
        [str(word) for word in words], stdout=subprocess.PIPE, text=True
    )


def ended(process: subprocess.Popen[str]) -> list[str]:
    """Wait for a process, and return the words that it said."""
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return said.split()


def test_a_killed_push_is_pushed_by_the_next(
    registry: str, tmp_path: Path, big: tuple[Path, str]
) -> None:
    process = transfer("push", registry, tmp_path, big)
    kept = tmp_path / "store" / "facts" / "upload"
    while not kept.exists() or not list(kept.iterdir()):
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert ended(transfer("push", registry, tmp_path, big))[0] == "uploaded"
    assert ended(transfer("push", registry, tmp_path, big))[0] == "there"


def test_a_large_blob_needs_little_memory(
    registry: str, tmp_path: Path, big: tuple[Path, str]
) -> None:
    for what in ("push", "fetch"):
        kibibytes = int(ended(transfer(what, registry, tmp_path, big))[-1])
        assert kibibytes < 150 * 1024
    assert (tmp_path / "store/blobs/sha256" / big[1][7:]).stat().st_size == BIG


@pytest.fixture
def locked(need: Callable[[str], str], tmp_path: Path) -> Iterator[tuple[str, Tool]]:
    """A registry that wants a password, and how it is started again."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    (tmp_path / "htpasswd").write_text(LOGIN)
    config = tmp_path / "config.yml"
    config.write_text(
        "version: 0.1\nlog: {level: warn}\n"
        f"storage: {{filesystem: {{rootdirectory: {tmp_path / 'data'}}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}', secret: for-tests}}\n"
        f"auth: {{htpasswd: {{realm: tests, path: {tmp_path / 'htpasswd'}}}}}\n"
    )
    yield (
        f"127.0.0.1:{port}",
        Tool(words=(need("docker-registry"), "serve", str(config))),
    )


def listens(host: str) -> bool:
    name, _, port = host.partition(":")
    try:
        with socket.create_connection((name, int(port)), timeout=2):
            return True
    except OSError:
        return False


def test_a_password_is_wanted_and_the_registry_starts_anew_in_between(
    locked: tuple[str, Tool], tmp_path: Path
) -> None:
    host, server = locked
    log = tmp_path / "log"
    environ = logged_in(tmp_path, {host: packed("me", "secret-word")})
    opened = []

    def interrupted() -> BinaryIO:
        opened.append(1)
        if len(opened) == 3:
            raise KeyboardInterrupt
        return io.BytesIO(BODY)

    with daemon(server.words, log, lambda: listens(host)):
        with (
            repository(host, tmp_path, "client/a") as made,
            pytest.raises(NetworkError) as caught,
        ):
            made.push_blobs([upload(BODY)])
        assert f"podman login {host}" in caught.value.hint
        with (
            repository(
                host, tmp_path, "client/a", environ=environ, chunk=CHUNK
            ) as made,
            pytest.raises(KeyboardInterrupt),
        ):
            made.push_blobs([replace(upload(BODY), open=interrupted)])
    with (
        daemon(server.words, log, lambda: listens(host)),
        repository(host, tmp_path, "client/a", environ=environ, chunk=CHUNK) as made,
    ):
        (done,) = made.push_blobs([upload(BODY)])
        assert done.sent == len(BODY) - 2 * CHUNK
        made.fetch([layer(BODY)])
    assert stored(tmp_path, BODY) == BODY
