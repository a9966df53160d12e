"""Cosign itself verifies what firstlight signs, and firstlight what cosign signs.

Cosign comes from Debian 13, resolved and verified as any package of an image is, and
runs with that release's own C library, whatever this machine has.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from engine_tools import Tool

from firstlight.attest import sign
from firstlight.attest.attest import Evidence, attach_all, verify
from firstlight.attest.evidence import gather
from firstlight.attest.keys import PrivateKey, make_pair, read_private, read_public
from firstlight.config import Settings, load_settings
from firstlight.errors import ArtefactError, UsageError
from firstlight.lock import apt
from firstlight.lock.spec import read_spec
from firstlight.net import Fetcher
from firstlight.oci.model import Descriptor, Image
from firstlight.oci.reference import parse_reference
from firstlight.oci.registry import Repository
from firstlight.progress import Progress
from firstlight.share.push import Pushed, push
from firstlight.store import Store
from pack.hand_locks import Bench
from share.registries import bench_in, for_arm

pytestmark = pytest.mark.engine

WORD = "a passphrase"
LOOSE = ("--insecure-ignore-tlog=true", "--allow-http-registry")


@pytest.fixture(scope="session")
def cosign(tmp_path_factory: pytest.TempPathFactory) -> Tool:
    """The program, with the library and the loader of its own release."""
    folder = tmp_path_factory.mktemp("cosign")
    settings = replace(load_settings(), store=folder / "store")
    if not settings.mirrors.get("debian"):
        pytest.skip("this machine knows no mirror of Debian")
    root = folder / "root"
    unpack(("cosign", "libc6"), folder, settings, root)
    loader = next(root.glob("usr/lib*/*/ld-linux-*.so.*"))
    return Tool(
        words=(
            *(str(loader), "--library-path", str(loader.parent)),
            str(root / "usr/bin/cosign"),
        ),
        environ={"COSIGN_PASSWORD": WORD, "HOME": str(folder)},
    )


def unpack(
    names: tuple[str, ...], folder: Path, settings: Settings, root: Path
) -> None:
    """Unpack packages of Debian 13, for this machine, into a folder."""
    (folder / "firstlight.toml").write_text('python = "3.13"\n')
    store = Store.open(settings.store)
    fetcher = Fetcher(settings, store)
    machine = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}[os.uname().machine]
    archives, debs = apt.resolve(
        read_spec(folder), settings, fetcher, store, platform=machine, packages=names
    )
    for deb in debs:
        if deb.name in names:
            urls = apt.deb_urls(deb, archives, settings)
            path = fetcher.fetch(
                urls, digest=deb.digest, size=deb.size, name=deb.filename
            )
            subprocess.run(["dpkg", "-x", path, root], check=True)
    fetcher.close()


@dataclass(frozen=True)
class Signed:
    """An image of two platforms in the real registry, with everything attached."""

    repository: Repository
    store: Store
    pushed: Pushed
    folder: Path
    key: PrivateKey
    bills: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.repository.reference.name

    @property
    def public(self) -> Path:
        return self.folder / "team.pub"

    def at(self, which: Descriptor) -> str:
        return f"{self.name}@{which.digest}"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return bench_in(tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="module")
def signed(
    registry: str, bench: Bench, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Signed]:
    """Pushed and signed as `firstlight push --sign` does."""
    image = bench.build(bench.lock())
    folder = tmp_path_factory.mktemp("keys")
    make_pair(folder / "team.key", WORD)
    key = read_private(
        str(folder / "team.key"), environ={"FIRSTLIGHT_KEY_PASSWORD": WORD}
    )
    with at(registry, "team/torch", bench) as repository:
        images = [image, for_arm(bench, image)]
        pushed = push(images, bench.store, repository, tags=["v1"])
        evidence = evidence_of(bench, image)
        attach_all(repository, pushed.descriptor, pushed.manifests, evidence, key=key)
        bills = {image.platform: evidence[0].sbom}
        yield Signed(repository, bench.store, pushed, folder, key, bills)


@contextmanager
def at(registry: str, name: str, bench: Bench) -> Iterator[Repository]:
    """A repository of the real registry."""
    settings = Settings(store=bench.store.root, jobs=2)
    reference = parse_reference(f"{registry}/{name}")
    repository = Repository(reference, settings, bench.store)
    try:
        yield repository
    finally:
        repository.close()


def evidence_of(bench: Bench, image: Image) -> tuple[Evidence, ...]:
    """What is known of the image."""
    return gather(
        bench.lock(),
        bench.pylock(),
        [image],
        compression="gzip",
        folder=bench.folder,
        store=bench.store,
        settings=bench.settings(),
        progress=Progress(),
    )


def statements(said: str) -> list[dict[str, Any]]:
    """What `cosign verify-attestation` prints: one envelope on each line."""
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    return [json.loads(base64.b64decode(line["payload"])) for line in lines]


def test_cosign_verifies_what_was_pushed_and_signed(
    cosign: Tool, signed: Signed
) -> None:
    for which in (f"{signed.name}:v1", *map(signed.at, signed.pushed.manifests)):
        said = json.loads(cosign.run("verify", "--key", signed.public, *LOOSE, which))
        (claim,) = said
        assert claim["critical"]["identity"]["docker-reference"] == signed.name
    assert claim["critical"]["image"]["docker-manifest-digest"] in which


def test_cosign_finds_the_signature_as_a_referrer_too(
    cosign: Tool, signed: Signed
) -> None:
    which = signed.at(signed.pushed.descriptor)
    experimental = replace(
        cosign, environ={**cosign.environ, "COSIGN_EXPERIMENTAL": "1"}
    )
    said = experimental.run(
        *("verify", "--experimental-oci11", "--key", signed.public, *LOOSE, which)
    )
    assert len(json.loads(said)) == 1


@pytest.mark.parametrize(
    ("kind", "predicate"),
    [("cyclonedx", sign.CYCLONEDX), ("slsaprovenance1", sign.SLSA)],
)
def test_cosign_verifies_bill_and_provenance(
    cosign: Tool, signed: Signed, kind: str, predicate: str
) -> None:
    manifest = signed.pushed.manifests[0]
    for which in (signed.at(manifest), f"{signed.name}:v1"):
        said = cosign.run(
            *("verify-attestation", "--type", kind, "--key", signed.public),
            *(*LOOSE, which),
        )
        (found,) = statements(said)
        assert found["predicateType"] == predicate
        if kind == "cyclonedx":
            assert found["predicate"] == signed.bills[manifest.platform]


def test_cosign_shows_what_hangs_on_the_image(cosign: Tool, signed: Signed) -> None:
    said = cosign.run("tree", "--allow-http-registry", f"{signed.name}:v1")
    assert "Signatures" in said
    assert "Attestations" in said
    assert signed.pushed.descriptor.digest.removeprefix("sha256:") in said


def test_cosign_refuses_another_key(cosign: Tool, signed: Signed) -> None:
    make_pair(signed.folder / "other.key", "")
    other = signed.folder / "other.pub"
    which = f"{signed.name}:v1"
    refused = cosign.attempt("verify", "--key", other, *LOOSE, which)
    assert refused.returncode != 0
    kind = ("--type", "cyclonedx")
    refused = cosign.attempt("verify-attestation", *kind, "--key", other, *LOOSE, which)
    assert refused.returncode != 0
    with pytest.raises(ArtefactError):
        verify(
            *(signed.repository, signed.store, signed.pushed.descriptor.digest),
            read_public(other),
        )


def test_cosign_and_firstlight_sign_the_same_image(
    cosign: Tool, signed: Signed, registry: str, bench: Bench, tmp_path: Path
) -> None:
    """Cosign's pair, cosign's signature and statement; ours on top; cosign's again."""
    cosign.run("generate-key-pair", "--output-key-prefix", tmp_path / "cosign")
    public = read_public(tmp_path / "cosign.pub")
    image = bench.build(bench.lock())
    (tmp_path / "bill.json").write_text('{"bomFormat":"CycloneDX"}')
    with at(registry, "other/torch", bench) as repository:
        pushed = push([image], bench.store, repository, tags=["v2"])
        digest = pushed.descriptor.digest
        which = f"{repository.reference.name}@{digest}"
        theirs = (
            *("-y", "--key", tmp_path / "cosign.key", "--tlog-upload=false"),
            "--allow-http-registry",
        )
        cosign.run("sign", *theirs, which)
        bill = ("--type", "cyclonedx", "--predicate", tmp_path / "bill.json")
        cosign.run("attest", *theirs, *bill, which)
        found = verify(repository, bench.store, digest, public)
        assert (found.signatures, len(found.statements)) == (1, 1)
        assert found.statements[0].predicate == {"bomFormat": "CycloneDX"}
        assert found.findings == ()

        attach_all(repository, pushed.descriptor, [], key=signed.key)
        cosign.run("attest", *theirs, *bill, which)
        for key in (public, signed.key.public):
            assert verify(repository, bench.store, digest, key).signatures == 1
        for path in (tmp_path / "cosign.pub", signed.public):
            cosign.run("verify", "--key", path, *LOOSE, which)


def test_cosign_adds_to_what_firstlight_signed(
    cosign: Tool, registry: str, bench: Bench, tmp_path: Path
) -> None:
    """A pair that firstlight made signs in cosign; both find both."""
    for name in ("first", "second"):
        make_pair(tmp_path / f"{name}.key", WORD)
    image = bench.build(bench.lock())
    words = {"COSIGN_PASSWORD": WORD}
    with at(registry, "third/torch", bench) as repository:
        pushed = push([image], bench.store, repository, tags=["v3"])
        key = read_private(str(tmp_path / "first.key"), environ=words)
        attach_all(repository, pushed.descriptor, [], key=key)
        which = f"{repository.reference.name}@{pushed.descriptor.digest}"
        second = ("-y", "--key", tmp_path / "second.key", "--tlog-upload=false")
        cosign.run("sign", *second, "--allow-http-registry", which)
        for name in ("first", "second"):
            public = tmp_path / f"{name}.pub"
            cosign.run("verify", "--key", public, *LOOSE, which)
            digest = pushed.descriptor.digest
            found = verify(repository, bench.store, digest, read_public(public))
            assert found.signatures == 1


def test_a_key_of_cosign_signs_in_firstlight(
    cosign: Tool, registry: str, bench: Bench, tmp_path: Path
) -> None:
    cosign.run("generate-key-pair", "--output-key-prefix", tmp_path / "cosign")
    source = str(tmp_path / "cosign.key")
    with pytest.raises(UsageError, match="wrong"):
        read_private(source, environ={"COSIGN_PASSWORD": "other"})
    key = read_private(source, environ={"COSIGN_PASSWORD": WORD})
    image = bench.build(bench.lock())
    with at(registry, "fourth/torch", bench) as repository:
        pushed = push([image], bench.store, repository, tags=["v4"])
        attach_all(repository, pushed.descriptor, [], key=key)
        which = f"{repository.reference.name}:v4"
        cosign.run("verify", "--key", tmp_path / "cosign.pub", *LOOSE, which)


def test_cosign_accepts_an_edwards_key(
    cosign: Tool, registry: str, bench: Bench, tmp_path: Path
) -> None:
    for arguments in (
        ("genpkey", "-algorithm", "ed25519", "-out", tmp_path / "ed.pem"),
        ("pkey", "-in", tmp_path / "ed.pem", "-pubout", "-out", tmp_path / "ed.pub"),
    ):
        subprocess.run(["openssl", *arguments], check=True)
    key = read_private(str(tmp_path / "ed.pem"), environ={})
    image = bench.build(bench.lock())
    evidence = evidence_of(bench, image)
    with at(registry, "fifth/torch", bench) as repository:
        pushed = push([image], bench.store, repository, tags=["v5"])
        attach_all(repository, pushed.descriptor, [], evidence, key=key)
        which = f"{repository.reference.name}:v5"
        public = ("--key", tmp_path / "ed.pub")
        cosign.run("verify", *public, *LOOSE, which)
        cosign.run("verify-attestation", "--type", "cyclonedx", *public, *LOOSE, which)
