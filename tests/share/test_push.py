"""A push sends what is missing, in an order in which no tag names what is not whole."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from firstlight.errors import NetworkError
from firstlight.oci.layout import blobs_of
from firstlight.oci.model import INDEX_TYPE, MANIFEST_TYPE, Image
from firstlight.share.push import Pushed, plan, push
from firstlight.store import Store
from pack.hand_locks import Bench
from registry_server import Fault, Registry, serving_registry
from share.registries import AMD64, ARM64, bench_in, for_arm, repository


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return bench_in(tmp_path / "bench")


@pytest.fixture
def image(bench: Bench) -> Image:
    return bench.build(bench.lock())


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serving_registry() as found:
        yield found


def send(
    registry: Registry,
    store: Store,
    *images: Image,
    name: str = "team/demo",
    tags: tuple[str, ...] = ("v1",),
) -> Pushed:
    with repository(registry, store, name) as target:
        return push(images, store, target, tags=tags)


def is_whole(registry: Registry, tag: str, name: str = "team/demo") -> bool:
    """Whether everything that a tag leads to is there."""
    document = json.loads(registry.manifests[name, tag].data)
    for each in document.get("manifests", ()):
        if not is_whole(registry, each["digest"], name):
            return False
    named = [*document.get("layers", ()), *filter(None, [document.get("config")])]
    return all(each["digest"] in registry.holds[name] for each in named)


def test_one_image_is_its_manifest(
    registry: Registry, bench: Bench, image: Image
) -> None:
    pushed = send(registry, bench.store, image, tags=("v1", "v2"))
    assert pushed.descriptor.digest == image.manifest
    assert pushed.descriptor.media_type == MANIFEST_TYPE
    for tag in ("v1", "v2", image.manifest):
        assert registry.manifests["team/demo", tag].digest == image.manifest
        assert is_whole(registry, tag)
    blobs = {each for each in blobs_of(image) if each != image.manifest}
    assert registry.holds["team/demo"] == blobs
    sizes = sum(bench.store.size(each) for each in blobs)
    assert pushed.total == pushed.sent == registry.received() == sizes
    assert pushed.count("uploaded") == len(blobs)


def test_several_platforms_are_one_index_in_any_order(
    registry: Registry, bench: Bench, image: Image
) -> None:
    arm = for_arm(bench, image)
    pushed = send(registry, bench.store, image, arm)
    again = send(registry, bench.store, arm, image, tags=("v2",))
    assert pushed.descriptor.digest == again.descriptor.digest
    assert pushed.descriptor.media_type == INDEX_TYPE
    index = json.loads(registry.manifests["team/demo", "v1"].data)
    rows = [(x["platform"]["architecture"], x["digest"]) for x in index["manifests"]]
    assert rows == [("amd64", image.manifest), ("arm64", arm.manifest)]
    assert not any("annotations" in each for each in index["manifests"])
    assert is_whole(registry, "v1")
    assert {each.platform for each in pushed.manifests} == {AMD64, ARM64}


def test_a_tag_comes_last_and_a_manifest_after_its_blobs(
    registry: Registry, bench: Bench, image: Image
) -> None:
    send(registry, bench.store, image, for_arm(bench, image))
    puts = [str(each) for each in registry.asked("PUT")]
    kinds = [
        "blob" if "/uploads/" in each else "tag" if each.endswith("/v1") else "document"
        for each in puts
    ]
    assert kinds == sorted(kinds, key=("blob", "document", "tag").index)
    assert kinds.count("tag") == 1


def test_a_second_push_sends_nothing(
    registry: Registry, bench: Bench, image: Image
) -> None:
    send(registry, bench.store, image, for_arm(bench, image))
    registry.requests.clear()
    pushed = send(registry, bench.store, image, for_arm(bench, image))
    assert pushed.sent == 0
    assert pushed.count("there") == len(pushed.blobs)
    assert {each.method for each in registry.requests} <= {"GET", "HEAD"}


def test_a_changed_package_sends_its_layers_only(
    registry: Registry, bench: Bench, image: Image
) -> None:
    send(registry, bench.store, image)
    bench.wheel("alpha", {"alpha/__init__.py": "a = 2\n" * 2000})
    changed = bench.build(bench.lock())
    new = set(blobs_of(changed)) - set(blobs_of(image)) - {changed.manifest}
    assert 0 < len(new) < len(blobs_of(changed)) - 1
    pushed = send(registry, bench.store, changed, tags=("v2",))
    assert {x.digest for x in pushed.blobs if x.how == "uploaded"} == new
    assert pushed.sent == sum(bench.store.size(each) for each in new)
    assert registry.manifests["team/demo", "v1"].digest == image.manifest


def test_what_another_repository_has_is_taken_from_there(
    registry: Registry, bench: Bench, image: Image
) -> None:
    send(registry, bench.store, image)
    before = registry.received()
    pushed = send(registry, bench.store, image, name="other/demo")
    assert (pushed.sent, registry.received()) == (0, before)
    assert pushed.count("mounted") == len(pushed.blobs)
    assert is_whole(registry, "v1", "other/demo")


def test_what_has_gone_from_there_is_sent(
    registry: Registry, bench: Bench, image: Image
) -> None:
    """What the store remembers of registries is a hint."""
    send(registry, bench.store, image)
    registry.blobs.clear()
    registry.holds.clear()
    pushed = send(registry, bench.store, image, name="other/demo")
    assert pushed.sent == pushed.total
    assert is_whole(registry, "v1", "other/demo")


def test_another_registry_is_never_asked_for_a_mount(
    registry: Registry, bench: Bench, image: Image
) -> None:
    send(registry, bench.store, image)
    with serving_registry() as other:
        pushed = send(other, bench.store, image, name="other/demo")
        assert pushed.sent == pushed.total
        assert not any("mount" in each.query for each in other.requests)


def test_the_plan_is_what_then_happens(
    registry: Registry, bench: Bench, image: Image
) -> None:
    send(registry, bench.store, image)
    bench.wheel("alpha", {"alpha/__init__.py": "a = 2\n" * 2000})
    changed = bench.build(bench.lock())

    def planned(name: str) -> dict[str, str]:
        with repository(registry, bench.store, name) as target:
            rows = plan([changed], bench.store, target)
        return {each.digest: each.how for each in rows}

    words = {"there": "there", "mounted": "mount", "uploaded": "send"}
    for name in ("team/demo", "other/demo"):
        registry.requests.clear()
        expected = planned(name)
        assert {each.method for each in registry.requests} <= {"GET", "HEAD"}
        pushed = send(registry, bench.store, changed, name=name)
        assert {x.digest: words[x.how] for x in pushed.blobs} == expected
        assert "send" in expected.values() or name == "other/demo"


def test_a_tag_that_may_not_change_stays_and_the_same_is_no_error(
    registry: Registry, bench: Bench, image: Image
) -> None:
    """Some registries refuse every second writing of a tag."""
    send(registry, bench.store, image)
    at = re.escape("PUT /v2/team/demo/manifests/v1")
    registry.faults.append(Fault(at, "answer", times=100, status=409))
    send(registry, bench.store, image)
    bench.wheel("alpha", {"alpha/__init__.py": "a = 2\n"})
    changed = bench.build(bench.lock())
    with pytest.raises(NetworkError):
        send(registry, bench.store, changed)
    assert registry.manifests["team/demo", "v1"].digest == image.manifest


@pytest.mark.parametrize("number", range(1, 12))
def test_a_push_that_ends_anywhere_goes_on(
    registry: Registry, bench: Bench, image: Image, number: int
) -> None:
    """After each number of answers the registry is gone; then it is back."""
    arm = for_arm(bench, image)
    passed = Fault("(PUT|POST|PATCH)", "wait", times=number)
    down = Fault("(PUT|POST|PATCH)", "drop", times=1000)
    registry.faults += [passed, down]
    with pytest.raises(NetworkError):
        send(registry, bench.store, image, arm)
    tags = [key[1] for key in registry.manifests if key[1] == "v1"]
    assert all(is_whole(registry, tag) for tag in tags)
    registry.faults.clear()
    pushed = send(registry, bench.store, image, arm)
    assert is_whole(registry, "v1")
    assert pushed.sent <= pushed.total
