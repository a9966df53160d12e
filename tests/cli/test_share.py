"""``push``, ``pull``, and ``up`` and ``run`` that pull: processes and a registry."""

from __future__ import annotations

import json
import shutil
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cli.started import Ended, Firstlight
from firstlight.attest.attest import sbom_of, verify
from firstlight.attest.keys import make_pair, read_public
from firstlight.digest import Digest, of_bytes
from firstlight.lock.lockfile import Lock, lock_digest
from firstlight.lock.spec import read_spec
from firstlight.lock.text import dump_lock, parse_lock
from firstlight.store import Store
from pack.hand_locks import Bench
from registry_server import Registry
from share.registries import MASTERS, repository

SPEC = """\
name = "tiny"
python = "3.11"
packages = []

[target]
platforms = ["linux/amd64", "linux/arm64"]

[share]
image = "{image}"
"""
NAME = "team/demo"


@pytest.fixture
def bench(tmp_path: Path, project: Path, registry: Registry) -> Bench:
    """A project that is locked for two platforms and not built."""
    bench = Bench(project, Store.open(tmp_path / "store"))
    bench.deb("base-passwd", MASTERS)
    bench.wheel("alpha", {"alpha/__init__.py": "a = 1\n" * 500})
    write_spec(project, f"{registry.host}/{NAME}")
    write_lock(bench)
    return bench


def write_spec(project: Path, image: str) -> None:
    (project / "firstlight.toml").write_text(SPEC.format(image=image))


def write_lock(bench: Bench) -> Lock:
    pylock, spec = bench.pylock(), read_spec(bench.folder)
    lock = bench.lock()
    (part,) = lock.platforms
    lock = replace(
        lock,
        spec=spec.digest,
        pylock=of_bytes(pylock.encode()),
        platforms=(part, replace(part, platform="linux/arm64")),
    )
    (bench.folder / "firstlight.lock").write_text(dump_lock(lock))
    (bench.folder / "pylock.toml").write_text(pylock)
    return lock


def read_lock(bench: Bench) -> Lock:
    return parse_lock((bench.folder / "firstlight.lock").read_text(), "it")


@pytest.fixture
def here(firstlight: Firstlight, bench: Bench) -> Firstlight:
    """firstlight on the machine that builds."""

    def run(*arguments: str, **variables: str) -> Ended:
        mirror = (bench.folder / "archive").as_uri()
        return firstlight(*arguments, FIRSTLIGHT_MIRROR_DEBIAN=mirror, **variables)

    return run


@pytest.fixture
def there(here: Firstlight, tmp_path: Path) -> Firstlight:
    """firstlight on the machine of a colleague, with an empty store."""

    def run(*arguments: str, **variables: str) -> Ended:
        return here(
            *arguments, FIRSTLIGHT_STORE=str(tmp_path / "colleague"), **variables
        )

    return run


def told(run: Firstlight, *arguments: str, **variables: str) -> dict[str, object]:
    done = run("--json", *arguments, **variables)
    assert done.code == 0, done.out + done.err
    found: dict[str, object] = json.loads(done.out)
    return found


def tag_of(bench: Bench) -> str:
    return f"py3.11-bookworm-{lock_digest(read_lock(bench))[7:15]}"


class TestPush:
    def test_every_platform_is_built_and_one_index_is_tagged(
        self, here: Firstlight, bench: Bench, registry: Registry
    ) -> None:
        first = told(here, "push", "--no-attest")
        assert first["tags"] == [tag_of(bench)]
        assert first["bytes_sent"] == first["bytes_total"] == registry.received()
        assert first["reference"] == f"{registry.host}/{NAME}@{first['digest']}"
        assert registry.manifests[NAME, tag_of(bench)].digest == first["digest"]
        ids = {part.platform: part.image_id for part in read_lock(bench).platforms}
        rows = first["platforms"]
        assert isinstance(rows, list)
        assert {row["platform"]: row["image_id"] for row in rows} == ids
        again = told(here, "push", "--no-attest")
        assert (again["bytes_sent"], again["digest"]) == (0, first["digest"])
        assert len(registry.manifests) == 4

    def test_what_is_attached_is_there_before_the_tag(
        self, here: Firstlight, bench: Bench, registry: Registry, tmp_path: Path
    ) -> None:
        make_pair(tmp_path / "team.key", "")
        found = told(
            here, "push", "--sign", str(tmp_path / "team.key"), COSIGN_PASSWORD=""
        )
        assert str(registry.asked("PUT")[-1]).endswith(f"/manifests/{tag_of(bench)}")
        key = read_public(tmp_path / "team.pub")
        rows = found["platforms"]
        assert isinstance(rows, list)
        with repository(registry, bench.store) as source:
            for digest in (found["digest"], *(row["manifest"] for row in rows)):
                proved = verify(source, bench.store, Digest(digest), key)
                assert proved.signatures == 1
                assert len(proved.statements) >= 2
            for row in rows:
                assert sbom_of(source, bench.store, Digest(row["manifest"]))

    def test_a_key_that_cannot_be_read_costs_no_build(
        self, here: Firstlight, bench: Bench, registry: Registry
    ) -> None:
        done = here("push", "--sign", "nowhere.key")
        assert done.code == 2
        assert "nowhere.key" in done.err
        assert read_lock(bench).platforms[0].image_id is None

    @pytest.mark.parametrize("compression", ["zstd", "estargz", "estargz-embedded"])
    def test_other_compressions_are_sent_and_found(
        self, here: Firstlight, bench: Bench, registry: Registry, compression: str
    ) -> None:
        line = ("push", "--no-attest", "--compression", compression)
        found = told(here, *line, "--platform", "linux/amd64")
        part = read_lock(bench).platforms[0]
        rows = found["platforms"]
        assert isinstance(rows, list)
        same = rows[0]["image_id"] == part.image_id
        assert same == (compression != "estargz-embedded")
        assert rows[0]["manifest"] != part.manifest
        companion = (NAME, f"{tag_of(bench)}-esgztoc")
        assert (companion in registry.manifests) == (compression == "estargz")

    def test_people_read_where_it_is_and_what_it_took(
        self, here: Firstlight, bench: Bench, registry: Registry
    ) -> None:
        place = f"{registry.host}/other:mine"
        done = here("push", "--no-attest", place, "--tag", "latest")
        assert done.code == 0, done.err
        for tag in (tag_of(bench), "mine", "latest"):
            assert f"tag       {registry.host}/other:{tag}\n" in done.out
            assert ("other", tag) in registry.manifests
        digest = registry.manifests["other", "mine"].digest
        assert f"quote it  {registry.host}/other@{digest}\n" in done.out
        assert "(linux/arm64)" in done.out
        assert "0 blobs were there" in done.out

    def test_one_platform_is_a_manifest(
        self, here: Firstlight, bench: Bench, registry: Registry
    ) -> None:
        found = told(here, "push", "--platform", "linux/arm64")
        parts = {part.platform: part for part in read_lock(bench).platforms}
        assert found["digest"] == parts["linux/arm64"].manifest
        assert parts["linux/amd64"].image_id is None

    def test_a_dry_run_sends_and_builds_nothing(
        self, here: Firstlight, bench: Bench, registry: Registry
    ) -> None:
        done = here("push", "--dry-run")
        assert done.code == 2
        assert "there is no image for linux/amd64 yet" in done.err
        told(here, "build"), told(here, "build", "--platform", "linux/arm64")
        found = told(here, "push", "--dry-run")
        assert not registry.received()
        assert not registry.manifests
        assert told(here, "push", "--no-attest")["bytes_sent"] == found["to_send"]
        words = here("push", "--dry-run").out
        assert "send      0 B in 0 blobs are to be sent" in words
        assert f"tag       {tag_of(bench)}\n" in words

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (
                ["host.test/a@sha256:" + "0" * 64],
                "a digest is what comes out of a push",
            ),
            (["--tag", "a/b"], "--tag 'a/b' is no tag"),
            (["--tag", "x" * 121], "is no tag"),
            (["--platform", "linux/s390x"], "the spec is for linux/amd64, linux/arm64"),
            (["team/demo"], "'team' is no host"),
        ],
    )
    def test_mistakes_are_told_before_anything_is_sent(
        self, here: Firstlight, registry: Registry, arguments: list[str], words: str
    ) -> None:
        done = here("push", *arguments)
        assert (done.code, done.out) == (2, "")
        assert words in done.err
        assert not registry.requests

    def test_without_a_name_the_spec_must_have_one(
        self, here: Firstlight, bench: Bench
    ) -> None:
        write_spec(bench.folder, "")
        done = here("push")
        assert done.code == 2
        assert "[share] image" in done.err


class TestPull:
    @pytest.fixture(autouse=True)
    def _shared(self, here: Firstlight, bench: Bench) -> None:
        told(here, "push", "--no-attest")

    def test_the_locked_image_is_fetched_and_known(
        self, there: Firstlight, bench: Bench, registry: Registry, tmp_path: Path
    ) -> None:
        found = told(there, "pull", "--platform", "linux/amd64")
        assert found["is_locked_image"] is True
        assert found["image_id"] == read_lock(bench).platforms[0].image_id
        shutil.rmtree(bench.folder / "wheels")
        assert (
            told(there, "build", "--platform", "linux/amd64")["image_id"]
            == (found["image_id"])
        )

    def test_anything_can_be_pulled_outside_of_a_project(
        self, there: Firstlight, bench: Bench, registry: Registry, tmp_path: Path
    ) -> None:
        (tmp_path / "elsewhere").mkdir()
        name = f"{registry.host}/{NAME}:{tag_of(bench)}"
        outside = ("-C", str(tmp_path / "elsewhere"))
        done = there(*outside, "pull", name, "--platform", "linux/arm64")
        assert done.code == 0, done.err
        digest = registry.manifests[NAME, tag_of(bench)].digest
        reference = f"{registry.host}/{NAME}@{digest}"
        assert f"run it    firstlight run --image {reference} -- COMMAND" in done.out
        done = there(*outside, "pull", f"{registry.host}/{NAME}")
        assert (done.code, done.out) == (6, "")
        assert f"{NAME}:latest is not there" in done.err

    def test_another_image_than_the_locks_is_refused_before_its_layers(
        self, here: Firstlight, there: Firstlight, bench: Bench, registry: Registry
    ) -> None:
        old = tag_of(bench)
        bench.wheel("alpha", {"alpha/__init__.py": "a = 2\n"})
        write_lock(bench)
        told(here, "push", "--no-attest")
        registry.requests.clear()
        name = f"{registry.host}/{NAME}:{old}"
        done = there("pull", name, "--platform", "linux/amd64")
        assert (done.code, done.out) == (9, "")
        assert "the lock of this project names" in done.err
        assert not registry.asked("GET", "/blobs/")
        found = told(there, "pull", name, "--any", "--platform", "linux/amd64")
        assert found["is_locked_image"] is False

    def test_a_tag_that_was_given_to_another_image_is_told(
        self, there: Firstlight, bench: Bench, registry: Registry
    ) -> None:
        lock = read_lock(bench)
        other = of_bytes(b"another")
        parts = [
            replace(part, image_id=other, manifest=other) for part in lock.platforms
        ]
        text = dump_lock(replace(lock, platforms=tuple(parts)))
        (bench.folder / "firstlight.lock").write_text(text)
        done = there("pull", "--platform", "linux/amd64")
        assert (done.code, done.out) == (9, "")
        assert other in done.err

    def test_a_lock_that_was_never_built_names_nothing_to_pull(
        self, there: Firstlight, bench: Bench
    ) -> None:
        write_lock(bench)
        done = there("pull", "--platform", "linux/amd64")
        assert done.code == 4
        assert "nobody has built it" in done.err


class TestRunAndUp:
    """Whoever has the lock need not build: what a registry has is the same."""

    @pytest.fixture
    def start(
        self, there: Firstlight, bench: Bench, here: Firstlight
    ) -> Callable[..., Ended]:
        """Run something; the small image has no program, so that fails after all."""
        told(here, "push", "--no-attest")

        def run(*options: str, **variables: str) -> Ended:
            return there(
                "run", "--engine", "sandbox", *options, "--", "true", **variables
            )

        return run

    def layers_made(self, done: Ended) -> bool:
        return "Making layers" in done.err

    def test_the_locked_image_is_pulled(
        self, start: Callable[..., Ended], bench: Bench, tmp_path: Path
    ) -> None:
        shutil.rmtree(bench.folder / "archive")
        done = start()
        assert "pulling the locked image from" in done.err
        assert not self.layers_made(done)
        store = Store.open(tmp_path / "colleague")
        identity = read_lock(bench).platforms[0].image_id
        assert identity is not None
        assert store.has(identity)
        registry_is_asked = "pulling" in start().err
        assert not registry_is_asked

    def test_no_pull_builds(self, start: Callable[..., Ended]) -> None:
        done = start("--no-pull")
        assert "pull" not in done.err
        assert self.layers_made(done)

    def test_one_that_is_not_there_is_built(
        self, start: Callable[..., Ended], registry: Registry
    ) -> None:
        registry.manifests.clear()
        done = start()
        assert "does not have the locked image: building it" in done.err
        assert self.layers_made(done)

    def test_one_under_the_tag_with_another_id_is_not_taken(
        self, start: Callable[..., Ended], registry: Registry, bench: Bench
    ) -> None:
        lock = read_lock(bench)
        for key, value in list(registry.manifests.items()):
            data = value.data.replace(
                str(lock.platforms[0].image_id).encode(), of_bytes(b"x").encode()
            )
            registry.manifests[key] = replace(value, data=data)
        tag = tag_of(bench)
        kept = registry.manifests[NAME, tag]
        registry.manifests = {(NAME, tag): kept}
        done = start()
        assert "pulling" not in done.err
        assert self.layers_made(done)

    def test_credentials_that_are_missing_are_told(
        self, start: Callable[..., Ended], registry: Registry
    ) -> None:
        registry.auth = "basic"
        done = start()
        assert f"{registry.host} wants credentials: building the image" in done.err
        assert self.layers_made(done)

    def test_a_damaged_one_is_a_warning(
        self, start: Callable[..., Ended], registry: Registry
    ) -> None:
        for digest, data in registry.blobs.items():
            registry.blobs[digest] = data[:-1] + b"?"
        done = start()
        assert "cannot be used, so it is built" in done.err
        assert self.layers_made(done)

    @pytest.mark.parametrize("answers", [False, True], ids=["refuses", "is silent"])
    def test_a_registry_that_does_not_answer_costs_seconds(
        self, start: Callable[..., Ended], bench: Bench, answers: bool
    ) -> None:
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            if answers:
                server.listen()
            write_spec(bench.folder, f"127.0.0.1:{server.getsockname()[1]}/{NAME}")
            started = time.monotonic()
            done = start()
            assert time.monotonic() - started < 12
        assert "building the image, since it cannot be pulled" in done.err
        assert self.layers_made(done)

    def test_an_image_that_is_named_needs_no_project(
        self,
        start: Callable[..., Ended],
        there: Firstlight,
        registry: Registry,
        bench: Bench,
        tmp_path: Path,
    ) -> None:
        (tmp_path / "elsewhere").mkdir()
        name = f"{registry.host}/{NAME}:{tag_of(bench)}"
        words = ("-C", str(tmp_path / "elsewhere"), "run", "--image", name)
        line = (*words, "--engine", "sandbox", "--", "true")
        done = there(*line)
        # It came and was unpacked; the sandbox then misses its programs in it.
        assert (done.code, done.out) == (8, "")
        assert "the image cannot run in the sandbox" in done.err
        registry.requests.clear()
        assert there(*line).code == 8
        assert not registry.asked("GET", "/blobs/")
