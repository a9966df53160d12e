"""``verify`` as people start it: the lock, a registry, an image somebody changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.shared_project import built, told, write_project
from cli.started import Firstlight
from firstlight.attest.keys import make_pair
from firstlight.store import Store
from pack.hand_locks import Bench
from registry_server import Registry
from share.altered import change_file, publish
from share.registries import MASTERS

NAME = "team/demo"
ALPHA = "opt/venv/lib/python3.11/site-packages/alpha/__init__.py"


@pytest.fixture
def bench(tmp_path: Path, project: Path, registry: Registry) -> Bench:
    bench = Bench(project, Store.open(tmp_path / "store"))
    bench.deb("base-passwd", MASTERS)
    bench.wheel("alpha")
    bench.wheel("beta")
    write_project(bench, f"{registry.host}/{NAME}")
    return bench


@pytest.fixture
def image(run: Firstlight) -> str:
    found: str = told(run, "build")["image_id"]
    return found


def test_the_rebuild_is_what_the_lock_says(run: Firstlight, image: str) -> None:
    done = run("verify")
    assert done.code == 0
    assert done.out == f"same bits: every layer and the image ID {image}\n"
    assert told(run, "verify")["same"] is True


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_what_is_in_the_registry_is_what_the_lock_gives(
    run: Firstlight, image: str, registry: Registry, compression: str
) -> None:
    assert run("push", "--no-attest", "--compression", compression).code == 0
    done = run("verify", "--registry")
    assert done.code == 0, done.err
    words = {"gzip": "bit for bit", "zstd": "in content"}[compression]
    assert f"the same as the rebuild from the lock, {words}" in done.out
    found = told(run, "verify", f"{registry.host}/{NAME}")
    assert found["same"] is True
    assert found["image_id"] == image


def test_a_changed_file_is_named_with_its_package(
    run: Firstlight, image: str, bench: Bench, registry: Registry
) -> None:
    change = change_file(ALPHA, b"import evil\n")
    publish(registry, bench.store, built(bench), change, tag="latest")
    reference = f"{registry.host}/{NAME}:latest"
    done = run("verify", reference)
    assert done.code == 9
    assert done.out == ""
    assert f"/{ALPHA}: " in done.err
    assert " (alpha) [verify.path]" in done.err
    assert "1 path differs, of alpha" in done.err
    found = told(run, "verify", reference, code=9)
    assert found["error"] == "MismatchError"
    assert "verify.path" in [each["code"] for each in found["findings"]]


def test_a_store_full_of_lies_convinces_nobody(
    run: Firstlight, image: str, bench: Bench, registry: Registry
) -> None:
    """The altered image was pulled before, so the store has all of it."""
    publish(
        registry, bench.store, built(bench), change_file(ALPHA, b"evil\n"), tag="latest"
    )
    reference = f"{registry.host}/{NAME}:latest"
    assert run("pull", "--any", reference).code == 0
    assert run("verify", reference).code == 9
    assert run("verify").code == 0


def test_a_repository_alone_means_the_locks_tag(
    run: Firstlight, image: str, registry: Registry
) -> None:
    done = run("verify", f"{registry.host}/{NAME}")
    assert done.code == 6
    assert "py3.11-bookworm-" in done.err
    assert "is not there" in done.err


def test_a_signature_is_asked_for_first(
    run: Firstlight, image: str, registry: Registry, tmp_path: Path
) -> None:
    for name in ("ours", "theirs"):
        make_pair(tmp_path / f"{name}.key", "")
    assert run("push", "--sign", str(tmp_path / "ours.key")).code == 0
    done = run("verify", "--key", str(tmp_path / "ours.pub"))
    assert done.code == 0, done.err
    assert "signed    1 signature of the key" in done.out
    assert "bit for bit" in done.out
    done = run("verify", "--registry", "--key", str(tmp_path / "theirs.pub"))
    assert done.code == 5
    assert "no signature of this key" in done.err
    assert "Making layers" not in done.err


def test_a_signature_does_not_make_a_changed_image_right(
    run: Firstlight, image: str, bench: Bench, registry: Registry, tmp_path: Path
) -> None:
    """Whoever has the key signed another image than the lock gives."""
    make_pair(tmp_path / "ours.key", "")
    change = change_file(ALPHA, b"import evil\n")
    digest = publish(registry, bench.store, built(bench), change, tag="latest")
    reference = f"{registry.host}/{NAME}@{digest}"
    signed = run("sign", reference, "--key", str(tmp_path / "ours.key"))
    assert signed.code == 0, signed.err
    done = run("verify", reference, "--key", str(tmp_path / "ours.pub"))
    assert done.code == 9
    assert f"/{ALPHA}: " in done.err
    assert " (alpha) [verify.path]" in done.err


def test_a_key_needs_a_registry(
    run: Firstlight, image: str, bench: Bench, tmp_path: Path
) -> None:
    make_pair(tmp_path / "ours.key", "")
    done = run("verify", built(bench).name, "--key", str(tmp_path / "ours.pub"))
    assert done.code == 2
    assert "hint: leave --key out" in done.err
