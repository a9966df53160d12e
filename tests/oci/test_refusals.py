"""What a registry's refusal means, and what it must not carry along."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstlight.failures import CutOffError
from firstlight.oci.credentials import Credential, Found
from firstlight.oci.reference import parse_reference
from firstlight.oci.refusals import DeniedError, Refusals

REFERENCE = parse_reference("registry.example.org/team/torch")
URL = "https://registry.example.org/v2/team/torch/x?sig=secret-word"
ME = Found(
    credential=Credential(user="me", password="secret-word"),
    place="auth.json",
    problems=("helper x failed",),
)


def refused(status: int, code: str = "", message: str = "", found: Found = ME):
    said = b""
    if code or message:
        error = {"code": code, "message": message, "detail": {"a": 1}}
        said = json.dumps({"errors": [error]}).encode()
    return Refusals(REFERENCE).error(URL, status, {"Retry-After": "7"}, said, found)


@pytest.mark.parametrize(
    ("status", "code", "hint"),
    [
        (401, "UNAUTHORIZED", "not accepted"),
        (403, "DENIED", "ask its owner"),
        (404, "NAME_UNKNOWN", "name of the repository"),
        (404, "MANIFEST_UNKNOWN", "tag or digest"),
        (404, "BLOB_UNKNOWN", "push it again"),
        (404, "", "address of the registry"),
        (405, "UNSUPPORTED", "read-only"),
        (405, "", "read-only"),
        (413, "", "client_max_body_size"),
        (400, "MANIFEST_INVALID", "newer"),
        (400, "SIZE_INVALID", "limit"),
        (416, "", "again"),
        (507, "", "disk is full"),
    ],
)
def test_every_refusal_has_a_next_step(status: int, code: str, hint: str) -> None:
    error = refused(status, code)
    assert isinstance(error, DeniedError)
    assert hint in error.hint
    assert f"registry.example.org/team/torch: the registry answers {status}" in str(
        error
    )
    assert error.codes == ((code,) if code else ())


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_says_when(status: int) -> None:
    error = refused(status, "TOOMANYREQUESTS")
    assert isinstance(error, CutOffError)
    assert error.retry_after == 7
    assert error.hint


def test_a_refusal_for_good_is_not_asked_again_whatever_its_status() -> None:
    assert isinstance(refused(500, "DENIED"), DeniedError)


def test_without_credentials_it_says_how_to_log_in() -> None:
    for status in (401, 403):
        hint = refused(status, found=Found(problems=("helper x failed",))).hint
        assert "podman login registry.example.org" in hint
        assert "helper x failed" in hint


def test_a_quota_is_named_whatever_the_status() -> None:
    assert "larger quota" in refused(403, "DENIED", "Quota exceeded").hint


def test_the_details_are_told() -> None:
    assert 'DENIED: no, {"a": 1}' in refused(403, "DENIED", "no").message


@given(st.sampled_from([400, 401, 403, 404, 413, 500, 599]), st.binary(max_size=300))
def test_whatever_it_says_is_one_bounded_line(status: int, said: bytes) -> None:
    error = Refusals(REFERENCE).error(URL, status, {}, said, ME)
    assert len(error.message) < 1200
    assert error.message.isprintable()


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["errors", "code", "message", "detail"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(json_values)
def test_whatever_shape_it_has_is_told_or_left_out(value: object) -> None:
    said = json.dumps({"errors": value, "code": value}).encode()
    error = Refusals(REFERENCE).error(URL, 403, {}, said, ME)
    assert error.message.isprintable()
    assert "secret-word" not in error.message
