"""The anchors of a page are those that a link can reach, on each site."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstlight.markdown.anchors import ids as ids_of
from firstlight.markdown.anchors import of, plain
from firstlight.markdown.parse import parse
from firstlight.markdown.slugs import SLUGGERS
from markdown.sources import pages

PAGE = """# Title {#own}

## 注意 *a* `b` &amp; [c](d)

## Title

## Title

Text [](){#inline} and <span id="span"></span> <a name=bare></a>.

<a id='block'></a>
<!-- <a id="comment"></a> -->

```html
<a id="code"></a>
```

(label)=
### `x` <b>y</b> 🔧
"""


def ids(target: str, source: str = PAGE) -> set[str]:
    """The names that a link can use."""
    return set(of(parse(source.encode()), target))


HTML = {"span", "bare", "block"}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("github", {"title-own", "注意-a-b--c", "title", "title-1", "x-y-"}),
        ("vscode", {"title-own", "注意-a-b--c", "title", "title-1", "x-y-"}),
        ("jupyter", {"Title-{#own}", "注意-a-b-&-c", "Title", "x-y-🔧"}),
        ("mkdocs", {"own", "inline", "a-b-c", "title", "title_1", "x-y"}),
        ("pymdownx", {"own", "inline", "注意-a-b--c", "title", "title_1", "x-y-"}),
        ("docusaurus", {"own", "inline", "注意-a-b--c", "title", "title-1", "x-y-"}),
        ("vitepress", {"own", "inline", "注意-a-b-c", "title", "title-1", "x-y-🔧"}),
        ("myst", {"own", "inline", "label", "注意-a-b--c", "title", "title-1", "x-y-"}),
    ],
)
def test_each_site_has_its_anchors(target: str, expected: set[str]) -> None:
    assert ids(target) == expected | HTML


def test_an_anchor_knows_its_heading_and_its_bytes() -> None:
    page = parse(PAGE.encode())
    found = of(page, "github")
    assert page.cut(found["title-1"].span) == "## Title"
    assert page.blocks[found["title-1"].heading].kind == "heading"
    assert page.cut(found["block"].span) == "<a id='block'"
    assert found["block"].heading == -1


def test_a_link_reaches_the_first_of_two() -> None:
    page = parse(b'## a\n\n<a id="a"></a>\n\n## a\n')
    assert of(page, "jupyter")["a"].span == page.blocks[0].span
    assert of(page, "github")["a"].span == page.blocks[0].span


def test_an_id_that_a_heading_chose_is_not_given_to_another() -> None:
    assert ids("mkdocs", "## A\n\n## B {#a}\n") == {"a", "a_1"}
    assert ids("docusaurus", "## A\n\n## B {#a}\n") == {"a", "a-1"}


def test_a_heading_without_letters_has_an_anchor_only_in_mkdocs() -> None:
    assert ids("mkdocs", "## 注意\n\n## 警告\n") == {"_1", "_2"}
    assert ids("github", "## ！\n") == set()


@pytest.mark.parametrize("target", SLUGGERS)
def test_attributes_other_than_an_id_name_nothing(target: str) -> None:
    found = ids(target, "## A {.wide}\n\n{: .b }\n")
    assert found == ids(target, "## A {.wide}\n")
    assert len(found) == 1


@pytest.mark.parametrize("target", SLUGGERS)
def test_an_empty_page_has_no_anchors(target: str) -> None:
    assert ids(target, "") == set()


@settings(max_examples=80, deadline=None)
@given(pages, st.sampled_from(sorted(SLUGGERS)))
def test_plain_data_gives_the_same_anchors(data: bytes, target: str) -> None:
    page = parse(data)
    made_of = json.loads(json.dumps(plain(page)))
    assert ids_of(made_of, target) == frozenset(of(page, target))
