"""Findings and errors as people and machines read them."""

from __future__ import annotations

import io
import json

import pytest

from firstlight.errors import FirstlightError, LockError, SpecError
from firstlight.finding import Finding, Role
from firstlight.report import (
    error_json,
    error_lines,
    finding_lines,
    has_symbols,
    size,
    words,
)

TYPO = Finding(
    code="spec.unknown-key",
    role=Role.FAILURE,
    message="unknown key",
    where="firstlight.toml: torhc",
    hint="did you mean torch?",
)


def stream(encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding)


@pytest.mark.parametrize("role", Role)
def test_a_symbol_never_stands_without_its_word(role: Role) -> None:
    assert words(role, symbols=True).endswith(" " + words(role, symbols=False))
    assert words(role, symbols=False).isascii()


def test_each_role_has_its_own_symbol() -> None:
    assert len({words(role, symbols=True) for role in Role}) == len(Role)


@pytest.mark.parametrize("symbol", ["⚠️ ", "ℹ️ "])
def test_symbols_that_default_to_text_ask_for_emoji(symbol: str) -> None:
    heads = [words(role, symbols=True) for role in Role]
    assert any(head.startswith(symbol) for head in heads)


def test_symbols_need_utf8_and_a_terminal_that_is_not_dumb() -> None:
    assert has_symbols(stream("utf-8"), {"TERM": "xterm"})
    assert has_symbols(stream("UTF8"), {})
    assert not has_symbols(stream("latin-1"), {"TERM": "xterm"})
    assert not has_symbols(stream("ascii"), {})
    assert not has_symbols(stream("utf-8"), {"TERM": "dumb"})


def test_a_finding_says_what_where_and_what_next() -> None:
    assert list(finding_lines(TYPO, symbols=False)) == [
        "Error: firstlight.toml: torhc: unknown key [spec.unknown-key]",
        "  hint: did you mean torch?",
    ]


def test_a_finding_without_place_and_hint_is_one_line() -> None:
    note = Finding(code="lock.kept", role=Role.NOTE, message="nothing changed")
    assert list(finding_lines(note, symbols=True)) == [
        "ℹ️ Note: nothing changed [lock.kept]"
    ]


def test_an_error_lists_its_findings_and_ends_with_the_hint() -> None:
    error = SpecError("the spec has 1 error", hint="mend it", findings=[TYPO])
    assert list(error_lines(error, symbols=False)) == [
        "Error: the spec has 1 error",
        "  Error: firstlight.toml: torhc: unknown key [spec.unknown-key]",
        "    hint: did you mean torch?",
        "hint: mend it",
    ]


def test_an_error_is_plain_data_for_machines() -> None:
    error = LockError("stale", hint="lock", findings=[TYPO])
    data = json.loads(json.dumps(error_json(error)))
    assert data["error"] == "LockError"
    assert data["exit_code"] == 4
    assert data["hint"] == "lock"
    assert data["findings"][0]["role"] == "failure"
    assert data["findings"][0]["code"] == "spec.unknown-key"


def test_every_error_has_a_code_between_1_and_9() -> None:
    kinds = [FirstlightError]
    for kind in kinds:
        kinds += kind.__subclasses__()
        assert 1 <= kind.exit_code <= 9


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (150_000, "150 kB"),
        (3_080_000_000, "3.1 GB"),
        (2_000_000_000_000, "2000 GB"),
    ],
)
def test_sizes_are_told_as_people_say_them(count: int, text: str) -> None:
    assert size(count) == text
