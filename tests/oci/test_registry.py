"""Blobs from a registry, manifests both ways, tags and referrers; and its lies."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from firstlight.digest import Digest, of_bytes
from firstlight.errors import ArtefactError, DigestError, NetworkError
from firstlight.oci.manifests import index_json
from firstlight.oci.model import (
    DOCKER_MANIFEST_TYPE,
    INDEX_TYPE,
    MANIFEST_TYPE,
    canonical_json,
)
from firstlight.oci.referrers import tag_of
from firstlight.oci.registry import Repository
from oci.repositories import about, content, layer, manifest, repository, stored
from registry_server import Fault, Registry, serving_registry

NAME = "team/torch"
BODY = content(350_000)
IMAGE = manifest()


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serving_registry() as registry:
        registry.add_blob(NAME, b"{}")
        yield registry


@pytest.fixture
def made(registry: Registry, tmp_path: Path) -> Iterator[Repository]:
    with repository(registry.host, tmp_path) as made:
        yield made


class TestFetching:
    def test_brings_blobs_into_the_store(self, registry, made, tmp_path):
        bodies = [content(5_000, number) for number in range(12)]
        for body in bodies:
            registry.add_blob(NAME, body)
        made.fetch([layer(body) for body in bodies])
        assert [stored(tmp_path, body) for body in bodies] == bodies

    def test_continues_after_a_cut(self, registry, made, tmp_path):
        registry.add_blob(NAME, BODY)
        registry.faults += [Fault("^GET.*/blobs/", "cut-answer", times=2, size=90_000)]
        made.fetch([layer(BODY)])
        assert stored(tmp_path, BODY) == BODY
        assert sum(each.sent for each in registry.asked("GET", "/blobs/")) == len(BODY)

    @pytest.mark.parametrize("what", ["alter", "headers"])
    def test_refuses_other_bytes(self, registry, made, tmp_path, what):
        registry.add_blob(NAME, BODY)
        size = {"Content-Length": str(len(BODY) - 9)}
        registry.faults += [Fault("/blobs/", what, times=99, headers=size)]
        with pytest.raises(DigestError):
            made.fetch([layer(BODY)])
        assert not list((tmp_path / "store/blobs/sha256").iterdir())

    def test_refuses_a_part_that_was_not_asked_for(self, registry, made, tmp_path):
        registry.add_blob(NAME, BODY)
        other = {"Content-Range": f"bytes 5-{len(BODY) - 1}/{len(BODY)}"}
        registry.faults += [
            Fault("/blobs/", "cut-answer", size=90_000),
            Fault("/blobs/", "headers", after=1, headers=other),
        ]
        made.fetch([layer(BODY)])
        assert stored(tmp_path, BODY) == BODY

    def test_gives_no_credentials_to_where_it_is_redirected(self, registry, tmp_path):
        registry.auth = "basic"
        registry.add_blob(NAME, BODY)
        environ = {"REGISTRY_AUTH_FILE": str(tmp_path / "auth.json")}
        login = {"username": registry.user, "password": registry.password}
        auths = {"auths": {registry.host: login}}
        (tmp_path / "auth.json").write_text(json.dumps(auths))
        with serving_registry() as other:
            other.add_blob("any", BODY)
            registry.elsewhere = other.url
            other.faults += [Fault("/elsewhere/", "cut-answer", size=90_000)]
            with repository(registry.host, tmp_path, environ=environ) as made:
                made.fetch([layer(BODY)])
            assert stored(tmp_path, BODY) == BODY
            assert len(other.requests) == 2
            assert not any("Authorization" in each.headers for each in other.requests)
        assert "Authorization" in registry.requests[-1].headers

    def test_says_which_part_of_an_image_is_lost(self, registry, made):
        with pytest.raises(NetworkError, match="BLOB_UNKNOWN") as caught:
            made.fetch([layer(BODY)])
        assert "push it again" in caught.value.hint

    def test_tells_the_size_of_what_is_there(self, registry, made):
        assert made.blob_size(of_bytes(BODY)) is None
        registry.add_blob(NAME, BODY)
        assert made.blob_size(of_bytes(BODY)) == len(BODY)
        no_size = Fault("^HEAD", "headers", headers={"Content-Length": ""})
        registry.faults += [no_size]
        assert made.blob_size(of_bytes(BODY)) == len(BODY)


class TestManifests:
    def test_go_both_ways_by_tag_and_by_digest(self, registry, made):
        digest = made.put_manifest(IMAGE, MANIFEST_TYPE, "v1")
        assert registry.manifests[NAME, "v1"].data == IMAGE
        for which in ("v1", digest):
            found = made.manifest(which)
            assert found is not None
            assert (found.data, found.digest) == (IMAGE, digest)
            assert found.media_type == MANIFEST_TYPE

    def test_without_a_tag_have_only_their_digest(self, registry, made):
        digest = made.put_manifest(IMAGE, MANIFEST_TYPE)
        assert {name for _, name in registry.manifests} == {digest}

    def test_that_are_absent_are_none(self, registry, made):
        assert made.manifest("v1") is None
        assert made.manifest(of_bytes(b"nothing")) is None
        registry.holds.clear()
        assert made.manifest("v1") is None

    @pytest.mark.parametrize("what", ["drop", "swallow", "cut-answer"])
    def test_outlive_a_cut(self, registry, made, what):
        registry.faults += [
            Fault("^PUT.*manifests", what),
            Fault("^GET.*manifests", what, size=20),
        ]
        made.put_manifest(IMAGE, MANIFEST_TYPE, "v1")
        found = made.manifest("v1")
        assert found is not None
        assert found.data == IMAGE

    def test_of_another_digest_are_refused(self, registry, made):
        digest = made.put_manifest(IMAGE, MANIFEST_TYPE, "v1")
        registry.faults += [Fault("^GET", "alter", times=9)]
        for which in ("v1", digest):
            with pytest.raises(DigestError, match="the registry gives"):
                made.manifest(which)

    def test_that_contradict_the_header_are_refused(self, registry, made):
        made.put_manifest(IMAGE, MANIFEST_TYPE, "v1")
        other = {"Docker-Content-Digest": of_bytes(b"other")}
        registry.faults += [
            Fault("^GET", "headers", headers=other),
            Fault("^PUT", "headers", headers=other),
        ]
        with pytest.raises(DigestError):
            made.manifest("v1")
        with pytest.raises(DigestError, match="stored the manifest as"):
            made.put_manifest(IMAGE, MANIFEST_TYPE)

    @pytest.mark.parametrize(
        ("data", "kind"),
        [
            (b"<html>", MANIFEST_TYPE),
            (b"[]", MANIFEST_TYPE),
            (b"[" * 100_000, MANIFEST_TYPE),
            (manifest(mediaType=INDEX_TYPE), MANIFEST_TYPE),
            (manifest(manifests=[]), MANIFEST_TYPE),
            (IMAGE, INDEX_TYPE),
            (manifest(mediaType=5), "text/plain"),
            (manifest(mediaType="application/x"), "application/x"),
        ],
    )
    def test_that_are_none_or_two_things_at_once_are_refused(
        self, registry, made, data, kind
    ):
        registry.add_manifest(NAME, data, kind, "v1")
        with pytest.raises(ArtefactError):
            made.manifest("v1")

    def test_may_have_a_header_that_says_nothing(self, registry, made):
        registry.add_manifest(NAME, IMAGE, "application/json", "v1")
        found = made.manifest("v1")
        assert found is not None
        assert found.media_type == MANIFEST_TYPE
        data = manifest(mediaType="")
        registry.add_manifest(NAME, data, f"{DOCKER_MANIFEST_TYPE}; charset=a", "v2")
        found = made.manifest("v2")
        assert found is not None
        assert found.media_type == DOCKER_MANIFEST_TYPE

    @pytest.mark.parametrize("told", [True, False])
    def test_that_are_huge_are_refused_unread(self, registry, made, told):
        large = canonical_json({"mediaType": INDEX_TYPE, "a": "x" * (9 << 20)})
        registry.add_manifest(NAME, large, INDEX_TYPE, "v1")
        if not told:
            no_size = {"Content-Length": "", "Connection": "close"}
            registry.faults += [Fault("^GET", "headers", headers=no_size)]
        with pytest.raises(ArtefactError, match="larger than"):
            made.manifest("v1")
        large = manifest(annotations={"a": "x" * (5 << 20)})
        registry.add_manifest(NAME, large, MANIFEST_TYPE, "v2")
        with pytest.raises(ArtefactError, match="larger than"):
            made.manifest("v2")

    def test_whose_blobs_are_missing_say_so(self, registry, made):
        with pytest.raises(NetworkError, match="MANIFEST_BLOB_UNKNOWN") as caught:
            made.put_manifest(manifest(b"other"), MANIFEST_TYPE, "v1")
        assert "push again" in caught.value.hint


class TestTags:
    def test_are_listed_across_pages(self, registry, made):
        assert made.tags() == []
        for number in range(10):
            registry.add_manifest(NAME, IMAGE, MANIFEST_TYPE, f"v{number}")
        registry.page = 3
        assert made.tags() == [f"v{number}" for number in range(10)]
        assert len(registry.asked("GET", "tags")) == 1 + 4

    def test_of_an_unknown_repository_are_none(self, registry, made):
        registry.holds.clear()
        assert made.tags() == []

    @pytest.mark.parametrize(
        "body", [b'{"tags": null}', b'{"tags": ["../x", 5, "a b"]}', b"{}"]
    )
    def test_that_are_no_tags_are_left_out(self, registry, made, body):
        registry.faults += [Fault("tags", "answer", status=200, body=body)]
        assert made.tags() == []

    @pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"tags": {"a": 1}}'])
    def test_that_are_no_list_are_refused(self, registry, made, body):
        registry.faults += [Fault("tags", "answer", status=200, body=body)]
        with pytest.raises(ArtefactError):
            made.tags()

    def test_that_go_round_in_a_circle_end(self, registry, made):
        link = {"Link": "</v2/team/torch/tags/list?n=1>; rel=next"}
        registry.faults += [Fault("tags", "headers", times=9999, headers=link)]
        with pytest.raises(ArtefactError, match="does not end"):
            made.tags()
        assert len(registry.requests) < 5

    def test_that_never_end_are_not_followed_for_ever(
        self, registry, made, monkeypatch
    ):
        monkeypatch.setattr("firstlight.oci.remote._PAGES", 50)
        for number in range(60):
            registry.add_manifest(NAME, IMAGE, MANIFEST_TYPE, f"v{number:03}")
        registry.page = 1
        with pytest.raises(ArtefactError, match="does not end"):
            made.tags()

    def test_never_lead_to_another_host_with_credentials(self, registry, tmp_path):
        login = {"username": registry.user, "password": registry.password}
        (tmp_path / "a").write_text(json.dumps({"auths": {registry.host: login}}))
        registry.auth = "basic"
        with serving_registry() as other:
            other.add_manifest(NAME, IMAGE, MANIFEST_TYPE, "v1")
            link = {"Link": f'<{other.url}/v2/{NAME}/tags/list>; rel="next"'}
            registry.faults += [Fault("tags", "headers", headers=link)]
            environ = {"REGISTRY_AUTH_FILE": str(tmp_path / "a")}
            with repository(registry.host, tmp_path, environ=environ) as made:
                made.tags()
            assert "Authorization" not in other.requests[0].headers


@pytest.fixture(params=["api", "tag"])
def keeping(request: pytest.FixtureRequest, registry: Registry) -> Registry:
    """A registry that keeps lists of referrers, and one where clients do."""
    registry.referrers_api = request.param == "api"
    return registry


class TestReferrers:
    SUBJECT = of_bytes(IMAGE)

    def test_are_found_by_what_they_are_about(self, keeping, made):
        assert made.referrers(self.SUBJECT) == []
        first, second = about(IMAGE, "a/sbom"), about(IMAGE, "a/signature", "by me")
        made.attach(first, self.SUBJECT)
        made.attach(second, self.SUBJECT)
        made.attach(first, self.SUBJECT)
        found = made.referrers(self.SUBJECT)
        assert sorted(each.digest for each in found) == sorted(
            [of_bytes(first), of_bytes(second)]
        )
        (found,) = made.referrers(self.SUBJECT, "a/signature")
        assert found.digest == of_bytes(second)
        assert dict(found.annotations) == {"note": "by me"}
        assert found.size == len(second)
        assert ((NAME, tag_of(self.SUBJECT)) in keeping.manifests) == (
            not keeping.referrers_api
        )

    def test_come_in_pages(self, registry, made):
        registry.page = 2
        for number in range(7):
            made.attach(about(IMAGE, "a/b", str(number)), self.SUBJECT)
        assert len(made.referrers(self.SUBJECT)) == 7

    def test_are_filtered_here_when_the_registry_does_not(self, registry, made):
        made.attach(about(IMAGE, "a/b"), self.SUBJECT)
        body = json.dumps(
            {
                "manifests": [
                    {"mediaType": "a/b", "digest": self.SUBJECT, "size": 1},
                    *json.loads(listing(about(IMAGE, "a/b"))),
                ]
            }
        ).encode()
        registry.faults += [Fault("referrers", "answer", status=200, body=body)]
        assert len(made.referrers(self.SUBJECT, "a/b")) == 1

    def test_that_another_client_overwrote_are_listed_again(self, registry, made):
        registry.referrers_api = False
        tag = tag_of(self.SUBJECT)
        registry.faults += [Fault(f"^GET.*{tag}", "wait", after=1, size=50)]
        theirs = index_json([])

        def overwrite() -> None:
            while len(registry.asked("GET", tag)) < 2:
                time.sleep(0.001)
            registry.add_manifest(NAME, theirs, INDEX_TYPE, tag)

        thread = threading.Thread(target=overwrite)
        thread.start()
        made.attach(about(IMAGE, "a/b"), self.SUBJECT)
        thread.join()
        assert len(registry.asked("PUT", tag)) == 2
        assert len(made.referrers(self.SUBJECT)) == 1

    def test_of_others_stay_in_the_list(self, registry, made):
        registry.referrers_api = False
        for number in range(3):
            made.attach(about(IMAGE, "a/b", str(number)), self.SUBJECT)
        notes = [dict(each.annotations) for each in made.referrers(self.SUBJECT)]
        assert notes == [{"note": "0"}, {"note": "1"}, {"note": "2"}]

    def test_about_something_else_are_refused(self, registry, made):
        with pytest.raises(ArtefactError, match="not about"):
            made.attach(about(b"{}", "a/b"), self.SUBJECT)
        assert not registry.requests

    @pytest.mark.parametrize(
        "entry",
        [
            *(None, [], {}, {"mediaType": "a/b", "digest": "sha256:0", "size": 1}),
            {"mediaType": "a/b", "digest": "sha256:" + "0" * 64, "size": True},
            {"mediaType": "a/b", "digest": "sha256:" + "0" * 64, "size": -1},
            {"mediaType": "a b", "digest": "sha256:" + "0" * 64, "size": 1},
            {
                "mediaType": "a/b",
                "digest": "sha256:" + "0" * 64,
                "size": 1,
                "annotations": [1],
            },
        ],
    )
    def test_that_are_none_are_refused(self, registry, made, entry):
        body = json.dumps({"manifests": [entry]}).encode()
        registry.faults += [Fault("referrers", "answer", status=200, body=body)]
        with pytest.raises(ArtefactError):
            made.referrers(self.SUBJECT)

    def test_under_a_tag_that_is_an_image_are_refused(self, registry, made):
        registry.referrers_api = False
        registry.add_manifest(NAME, IMAGE, MANIFEST_TYPE, tag_of(self.SUBJECT))
        with pytest.raises(ArtefactError, match="no list of referrers"):
            made.referrers(self.SUBJECT)


def listing(data: bytes) -> bytes:
    """How a registry lists a manifest."""
    value = json.loads(data)
    entry = {
        "mediaType": MANIFEST_TYPE,
        "digest": Digest(of_bytes(data)),
        "size": len(data),
        "artifactType": value["artifactType"],
    }
    return json.dumps([entry]).encode()
