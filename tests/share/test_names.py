"""The tag of an image says what is inside and which lock made it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstlight.digest import Digest
from firstlight.lock.lockfile import Lock, PlatformLock, Stack, lock_digest
from firstlight.oci.reference import TAG
from firstlight.share.names import companion, tag_of

NOTHING = Digest("sha256:" + "0" * 64)
PART = PlatformLock(platform="linux/amd64", packages=NOTHING, stack=Stack(), debs=())
LOCK = Lock(
    name="demo",
    spec=NOTHING,
    pylock=NOTHING,
    python="3.12",
    suite="trixie",
    profile="workspace",
    environment=(),
    archives=(),
    platforms=(PART,),
)
CUDA = Stack(torch="2.15.0+cu132", cuda="13.2", cudnn="9.26.0.51")


def tag(stack: Stack, lock: Lock = LOCK) -> str:
    part = replace(PART, stack=stack)
    return tag_of(replace(lock, platforms=(part,)), part)


@pytest.mark.parametrize(
    ("stack", "head"),
    [
        (CUDA, "torch2.15.0-cu132-cudnn9.26-py3.12-trixie"),
        (replace(CUDA, cudnn=""), "torch2.15.0-cu132-py3.12-trixie"),
        (replace(CUDA, cudnn="9"), "torch2.15.0-cu132-cudnn9-py3.12-trixie"),
        (Stack(torch="2.15.0+cpu"), "torch2.15.0-cpu-py3.12-trixie"),
        (Stack(torch="2.15.0.dev1"), "torch2.15.0.dev1-cpu-py3.12-trixie"),
        (Stack(torch="1!2.0"), "torch1_2.0-cpu-py3.12-trixie"),
        (Stack(), "py3.12-trixie"),
    ],
)
def test_a_tag_says_what_is_inside(stack: Stack, head: str) -> None:
    found = tag(stack)
    assert found[:-9] == head
    assert re.fullmatch(r"-[0-9a-f]{8}", found[-9:])


def test_its_end_is_the_lock_and_nothing_that_came_out_of_it() -> None:
    found = tag_of(LOCK, PART)
    assert found.endswith(lock_digest(LOCK)[7:15])
    built = replace(PART, image_id=NOTHING, manifest=NOTHING)
    assert tag_of(replace(LOCK, platforms=(built,)), built) == found
    other = replace(LOCK, environment=(("A", "1"),))
    assert tag_of(other, PART)[:-8] == found[:-8]
    assert tag_of(other, PART) != found


@given(st.text(max_size=200), st.text(max_size=40), st.text(max_size=90), st.booleans())
def test_every_lock_gives_a_valid_tag(
    torch: str, cuda: str, cudnn: str, is_long: bool
) -> None:
    """What a lock holds was read from files of others."""
    stack = Stack(torch=torch, cuda=cuda, cudnn=cudnn)
    part = replace(PART, stack=stack)
    lock = replace(LOCK, suite="x" * 200) if is_long else LOCK
    found = tag_of(lock, part)
    assert TAG.fullmatch(found)
    assert TAG.fullmatch(companion(found))
    assert tag_of(lock, part) == found
