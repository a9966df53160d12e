"""Credentials where Podman and Docker keep them."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from firstlight.config import Settings
from firstlight.oci.credentials import HUB, Credential, Found, find_credential
from firstlight.oci.reference import parse_reference
from oci.repositories import packed

HOST = "registry.example.org"
INDEX = f"https://index.{HUB}/v1/"


def find(folder: Path, name: str = f"{HOST}/team/torch", **environ: str) -> Found:
    settings = Settings(
        store=folder,
        home=folder,
        environ={"XDG_RUNTIME_DIR": str(folder / "run"), **environ},
    )
    return find_credential(parse_reference(name), settings)


def write(path: Path, **value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return path


def helper(folder: Path, name: str, script: str) -> str:
    """Make a credential helper and return the PATH that has it."""
    path = folder / "bin" / f"docker-credential-{name}"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return f"{path.parent}:{os.environ['PATH']}"


class TestPlaces:
    def test_are_looked_at_in_order(self, tmp_path):
        places = [
            tmp_path / ".docker" / "config.json",
            tmp_path / ".config" / "containers" / "auth.json",
            tmp_path / "run" / "containers" / "auth.json",
            tmp_path / "named.json",
        ]
        named = {"REGISTRY_AUTH_FILE": str(places[3])}
        assert find(tmp_path).credential is None
        for number, path in enumerate(places):
            write(path, auths={HOST: packed("me", str(number))})
            found = find(tmp_path, **(named if number == 3 else {}))
            assert found.credential == Credential(user="me", password=str(number))
            assert found.place == str(path)

    def test_of_docker_may_be_named(self, tmp_path):
        path = write(tmp_path / "d" / "config.json", auths={HOST: packed("a", "b")})
        found = find(tmp_path, DOCKER_CONFIG=str(path.parent))
        assert found.credential == Credential(user="a", password="b")

    def test_a_file_without_the_registry_leaves_it_to_the_next(self, tmp_path):
        write(tmp_path / "run/containers/auth.json", auths={"other": packed("a", "b")})
        write(tmp_path / ".docker/config.json", auths={HOST: packed("c", "d")})
        found = find(tmp_path)
        assert found.credential == Credential(user="c", password="d")

    @pytest.mark.parametrize("text", ["", "{", "[]", "[" * 9999, "\udcff"])
    def test_a_file_that_is_broken_is_told_and_passed_over(self, tmp_path, text):
        broken = tmp_path / "run" / "containers" / "auth.json"
        broken.parent.mkdir(parents=True)
        broken.write_text(text, errors="surrogateescape")
        write(tmp_path / ".docker/config.json", auths={HOST: packed("c", "d")})
        found = find(tmp_path)
        assert found.credential == Credential(user="c", password="d")
        assert str(broken) in found.problems[0]

    def test_a_named_file_that_is_absent_is_told(self, tmp_path):
        found = find(tmp_path, REGISTRY_AUTH_FILE=str(tmp_path / "nothere"))
        assert "REGISTRY_AUTH_FILE" in found.problems[0]


class TestKeys:
    @pytest.mark.parametrize(
        "key",
        [HOST, f"https://{HOST}", f"https://{HOST}/", f"http://{HOST}/v2/"],
    )
    def test_may_be_written_as_addresses(self, tmp_path, key):
        write(tmp_path / ".docker/config.json", auths={key: packed("a", "b")})
        assert find(tmp_path).credential == Credential(user="a", password="b")

    def test_of_a_repository_come_before_those_of_its_registry(self, tmp_path):
        write(
            tmp_path / ".docker/config.json",
            auths={
                HOST: packed("host", "x"),
                f"{HOST}/team": packed("team", "x"),
                f"{HOST}/team/torch": packed("torch", "x"),
            },
        )
        users = {
            name: getattr(find(tmp_path, f"{HOST}/{name}").credential, "user", "")
            for name in ("team/torch", "team/other", "team2/torch", "torch", "team/v2")
        }
        assert users == {
            "team/torch": "torch",
            "team/other": "team",
            "team2/torch": "host",
            "torch": "host",
            "team/v2": "team",
        }

    def test_of_another_port_are_not_meant(self, tmp_path):
        write(
            tmp_path / ".docker/config.json", auths={f"{HOST}:5000": packed("a", "b")}
        )
        assert find(tmp_path).credential is None
        assert find(tmp_path, f"{HOST}:5000/a").credential is not None

    @pytest.mark.parametrize("key", [INDEX, HUB, f"https://{HUB}"])
    def test_of_docker_s_own_registry_are_known(self, tmp_path, key):
        write(tmp_path / ".docker/config.json", auths={key: packed("a", "b")})
        assert find(tmp_path, f"{HUB}/torch").credential is not None


class TestEntries:
    def test_may_have_user_and_password(self, tmp_path):
        entry = {"username": "a", "password": "b:c"}
        write(tmp_path / ".docker/config.json", auths={HOST: entry})
        assert find(tmp_path).credential == Credential(user="a", password="b:c")

    def test_may_have_an_identity_token(self, tmp_path):
        entry = {**packed("a", ""), "identitytoken": "secret"}
        write(tmp_path / ".docker/config.json", auths={HOST: entry})
        assert find(tmp_path).credential == Credential(identity_token="secret")

    def test_keep_a_colon_in_the_password(self, tmp_path):
        write(tmp_path / ".docker/config.json", auths={HOST: packed("a", "b:c\u00e9")})
        assert find(tmp_path).credential == Credential(user="a", password="b:c\u00e9")

    @pytest.mark.parametrize(
        "entry",
        [
            *(None, 5, [], {}, {"auth": 5}, {"auth": "%"}, {"username": 1}),
            {"auth": base64.b64encode(b"nocolon").decode()},
            {"auth": base64.b64encode(b"\xff:\xff").decode()},
            {"username": "a", "password": None},
        ],
    )
    def test_that_are_none_count_as_absent(self, tmp_path, entry):
        write(tmp_path / ".docker/config.json", auths={HOST: entry})
        assert find(tmp_path).credential is None

    def test_are_not_shown(self):
        for credential in (
            Credential(user="me", password="secret-word"),
            Credential(identity_token="secret-word"),
        ):
            assert "secret-word" not in repr(credential)


class TestHelpers:
    ANSWER = """read server; echo "{\\"ServerURL\\":\\"$server\\",\
\\"Username\\":\\"me\\",\\"Secret\\":\\"for $server\\"}" """

    def test_are_asked_for_their_registry(self, tmp_path):
        path = helper(tmp_path, "one", self.ANSWER)
        write(
            tmp_path / ".docker/config.json",
            auths={HOST: packed("a", "b")},
            credHelpers={HOST: "one"},
        )
        found = find(tmp_path, PATH=path)
        assert found.credential == Credential(user="me", password=f"for {HOST}")

    def test_of_all_registries_know_docker_s_by_its_old_name(self, tmp_path):
        path = helper(tmp_path, "all", self.ANSWER)
        write(tmp_path / ".docker/config.json", auths={INDEX: {}}, credsStore="all")
        found = find(tmp_path, f"{HUB}/torch", PATH=path)
        assert found.credential == Credential(user="me", password=f"for {INDEX}")

    def test_may_give_an_identity_token(self, tmp_path):
        answer = """echo '{"Username":"<token>","Secret":"word"}'"""
        path = helper(tmp_path, "all", answer)
        write(tmp_path / ".docker/config.json", credsStore="all")
        found = find(tmp_path, PATH=path)
        assert found.credential == Credential(identity_token="word")

    def test_that_have_none_are_no_problem(self, tmp_path):
        script = "echo 'credentials not found in native keychain'; exit 1"
        path = helper(tmp_path, "all", script)
        write(tmp_path / ".docker/config.json", credsStore="all")
        assert find(tmp_path, PATH=path) == Found()

    @pytest.mark.parametrize(
        ("script", "words"),
        [
            ("echo the secret-word is locked; exit 3", "exit code 3"),
            ("echo secret-word", "something else"),
            ("echo '[]'", "something else"),
            ("echo '{\"Username\": 5}'", "something else"),
        ],
    )
    def test_that_fail_are_told_without_what_they_said(self, tmp_path, script, words):
        path = helper(tmp_path, "all", script)
        write(tmp_path / ".docker/config.json", credsStore="all")
        found = find(tmp_path, PATH=path)
        assert found.credential is None
        assert words in found.problems[0]
        assert "secret-word" not in found.problems[0]

    @pytest.mark.parametrize("name", ["nothere", "../evil", "a b", "-x"])
    def test_that_are_absent_or_no_names_are_told(self, tmp_path, name):
        write(tmp_path / ".docker/config.json", credsStore=name)
        found = find(tmp_path, PATH=str(tmp_path))
        assert found.credential is None
        assert found.problems
