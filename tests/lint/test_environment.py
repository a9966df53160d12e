"""Pages are compared with the image only where they speak of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from firstlight.lexicon.table import DEFAULT
from firstlight.lint.environment import Environment, agree, is_about_image, is_hedged
from firstlight.lint.rule import Given
from firstlight.lint.rules import load
from firstlight.markdown.parse import parse

TAG = "torch2.7.1-cu126-cudnn9.5-py3.11-bookworm-1a2b3c4d"
OLD = "torch2.7.1-cu126-cudnn9.5-py3.11-bookworm-00000000"
IMAGE = Environment(
    name="demo",
    image="registry.example.org/team/demo",
    tags=(TAG,),
    digests=(f"sha256:{'a' * 64}",),
    versions=(("python", "3.11"), ("torch", "2.7.1+cu126"), ("cuda", "12.6")),
)


def messages(
    code: str, text: str, environment: Environment | None = IMAGE
) -> list[str]:
    (rule,) = load([code])
    assert rule.check
    page = parse(text.encode())
    given = Given(lexicon=DEFAULT, environment=environment)
    return [
        f"{page.cut(f.span)}: {f.message}" for f in rule.check(page, given) if f.span
    ]


@pytest.mark.parametrize(
    ("said", "known", "same"),
    [
        ("2.7", "2.7.1", True),
        ("2.7.1", "2.7", True),
        ("2.7.0", "2.7.1", False),
        ("2.7.1", "2.7.1+cu126", True),
        ("2.7.1+cu118", "2.7.1+cu126", False),
        ("12.10", "12.1", False),
    ],
)
def test_versions_agree_when_they_can_be_the_same(
    said: str, known: str, same: bool
) -> None:
    assert agree(said, known) is same


@pytest.mark.parametrize(
    ("sentence", "heading", "about"),
    [
        ("This image has it.", "", True),
        ("The container comes with it.", "", True),
        ("本镜像内置它。", "", True),
        ("容器内已安装。", "", True),
        ("It has it.", "What is in the image", True),
        ("包含它。", "镜像内容", True),
        ("An image shows it.", "Images", False),
        ("It has it.", "Install", False),
    ],
)
def test_only_the_projects_image_counts(
    sentence: str, heading: str, about: bool
) -> None:
    assert is_about_image(sentence, heading) is about


@pytest.mark.parametrize(
    "sentence",
    [
        "It needs 3.9 or newer.",
        "Not in this image.",
        "如果使用旧镜像",
        "至少 12.1",
        "3.9+",
    ],
)
def test_what_compares_or_supposes_states_nothing(sentence: str) -> None:
    assert is_hedged(sentence)


def test_a_plain_statement_is_not_hedged() -> None:
    assert not is_hedged("This image contains Python 3.11 and PyTorch 2.7.")


def test_an_old_tag_of_the_lock_and_an_old_digest_are_found() -> None:
    old = f"sha256:{'b' * 64}"
    text = f"`{IMAGE.image}:{OLD}` and `{IMAGE.image}@{old}`"
    assert messages("environment.image", text) == [
        f"{OLD}: torch2.7.1-cu126-cudnn9.5-py3.11-bookwo… is not the tag of the lock's "
        "image",
        f"{old}: {old[:19]}… is not the digest of the lock's image",
    ]


@pytest.mark.parametrize(
    "name", [f":{TAG}", f"@sha256:{'a' * 64}", ":latest", "", ":2.7"]
)
def test_names_of_the_lock_and_tags_of_ones_own_are_fine(name: str) -> None:
    assert messages("environment.image", f"Pull `{IMAGE.image}{name}`.") == []


def test_the_build_in_the_output_of_a_command_is_compared() -> None:
    text = "```python\nprint(torch.__version__)\n```\n\n```\n2.6.0+cu124\n```\n"
    assert messages("environment.version", text) == [
        "2.6.0+cu124: PyTorch 2.6.0+cu124, but the image has 2.7.1+cu126"
    ]
    assert (
        messages("environment.version", text.replace("2.6.0+cu124", "2.7.1+cu126"))
        == []
    )


def test_words_that_only_contain_a_name_are_others() -> None:
    text = "This image has my-python 3.9, libtorch 1.0 and cuda-python 12.3."
    assert messages("environment.version", text) == []


@pytest.mark.parametrize("code", ["version", "image", "port", "path"])
def test_without_an_environment_nothing_contradicts_it(code: str) -> None:
    text = f"This image has Python 2.7 in /root: `{IMAGE.image}:{OLD}`"
    assert messages(f"environment.{code}", text, None) == []


def test_equal_environments_have_equal_digests() -> None:
    assert IMAGE.digest == replace(IMAGE).digest
    assert IMAGE.digest != replace(IMAGE, name="other").digest
