"""Anchors are those that each place makes; the values were made by its own program."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstlight.markdown.slugs import SLUGGERS, slug, unique

FE0F = "\N{VARIATION SELECTOR-16}"

# Text -> what GitHub's rules (github-slugger 2), Python-Markdown 3, pymdownx.slugs,
# MyST-Parser 5 and VitePress (@mdit-vue/shared) make of it.
MADE = {
    "Hello World": ("hello-world", "hello-world", "hello-world", "hello-world"),
    "警告 heading": ("警告-heading", "heading", "警告-heading", "警告-heading"),
    "注意：请勿": ("注意请勿", "", "注意请勿", "注意-请勿"),
    "A & B": ("a--b", "a-b", "a--b", "a-b"),
    "A.B_c": ("ab_c", "ab_c", "ab_c", "a-b-c"),
    "1. Install": ("1-install", "1-install", "1-install", "_1-install"),
    "Install (GPU)": ("install-gpu", "install-gpu", "install-gpu", "install-gpu"),
    "a--b": ("a--b", "a-b", "a--b", "a-b"),
    "Straße": ("straße", "strae", "straße", "straße"),
    "Ünïcode": ("ünïcode", "unicode", "ünïcode", "unicode"),
    "🔧 Step 1: run": ("-step-1-run", "step-1-run", "-step-1-run", "🔧-step-1-run"),
    "“quoted”": ("quoted", "quoted", "quoted", "quoted"),
    "!!!": ("", "", "", ""),
}


@pytest.mark.parametrize("text", MADE)
def test_each_place_makes_its_own_anchor(text: str) -> None:
    targets = ("github", "mkdocs", "pymdownx", "vitepress")
    assert tuple(slug(text, target) for target in targets) == MADE[text]


def test_places_with_the_same_program_make_the_same_anchor() -> None:
    for text in MADE:
        assert slug(text, "docusaurus") == slug(text, "github")
        assert slug(text, "vscode") == slug(text, "github")
        assert slug(text, "zensical") == slug(text, "mkdocs")
        assert slug(text, "myst") == slug(text, "pymdownx")


def test_only_some_places_keep_the_variation_selector() -> None:
    text = f"⚠{FE0F} Warning"
    assert slug(text, "github") == f"{FE0F}-warning"
    assert slug(text, "vitepress") == f"⚠{FE0F}-warning"
    assert slug(text, "myst") == slug(text, "pymdownx") == "-warning"
    assert slug(text, "mkdocs") == "warning"


def test_jupyter_keeps_capitals_and_punctuation() -> None:
    assert slug("Set up: A & B", "jupyter") == "Set-up:-A-&-B"


def test_gitlab_joins_hyphens_and_names_numbers() -> None:
    assert slug("A & B", "gitlab") == "a-b"
    assert slug("2024", "gitlab") == "anchor-2024"


def test_letters_in_circles_and_squares_count_as_letters_on_github() -> None:
    assert slug("Ⓐ Ⅳ 🅰 ²", "github") == "ⓐ-ⅳ-🅰-"


@pytest.mark.parametrize(
    ("joint", "anchors", "expected"),
    [
        ("-", ["a", "a", "a"], ["a", "a-1", "a-2"]),
        ("-", ["a-1", "a", "a", "a-1"], ["a-1", "a", "a-2", "a-1-1"]),
        ("-", ["", ""], ["", "-1"]),
        ("_", ["a", "a", "a"], ["a", "a_1", "a_2"]),
        ("_", ["", "", "x"], ["_1", "_2", "x"]),
        ("_", ["a_1", "a", "a", "a_1"], ["a_1", "a", "a_2", "a_3"]),
        ("", ["a", "a"], ["a", "a"]),
    ],
)
def test_headings_that_look_alike_get_numbers(
    joint: str, anchors: list[str], expected: list[str]
) -> None:
    assert unique(anchors, joint) == expected


def test_an_anchor_that_a_heading_chose_is_taken() -> None:
    assert unique(["a", "b"], "-", taken=["a"]) == ["a-1", "b"]
    assert unique(["a", "a"], "_", taken=["a_1"]) == ["a", "a_2"]


@given(st.lists(st.sampled_from(["a", "a-1", "a-2", "b", "a_1"]), max_size=12))
def test_numbered_anchors_are_unique(anchors: list[str]) -> None:
    for joint in "-_":
        made = unique(anchors, joint)
        assert len(set(made)) == len(made) == len(anchors)


@given(st.text(max_size=30), st.sampled_from(sorted(SLUGGERS)))
def test_an_anchor_never_holds_a_space(text: str, target: str) -> None:
    assert " " not in slug(text, target)


@given(st.text("abcXYZ019 _-.:警告", max_size=20))
def test_the_short_way_for_ascii_is_the_long_way(text: str) -> None:
    # The same letters behind one that is not ASCII take the other path.
    assert slug("é" + text, "github") == "é" + slug(text, "github")
