"""Whatever page it is: marks come once, and code, links and structure stay."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from firstlight.lexicon.table import DEFAULT
from firstlight.mark.propose import Proposal, proposals
from firstlight.mark.write import marked, write
from firstlight.markdown.page import Page
from firstlight.markdown.parse import parse

PIECES = (
    "Removing the volume permanently deletes all files.",
    "删除数据卷会永久删除其中的全部文件，且无法恢复。",
    "Do not stop it, otherwise the training will crash.",
    "**Never share the key, because anyone who has the key can read it.**",
    "This cannot be undone.",
    "Use `rm -rf *` and [see](#performance).",
    "*It is big.",
    "We recommend a copy.",
    "建议先备份。",
    "You should see `True`.",
    "输出如下：",
    "Open <http://127.0.0.1:8888> in your browser.",
    "⚠️ **Warning**: all data will be lost.",
    "Text goes on:",
)
BETWEEN = (" ", "\n", "\n\n", "\n\n- ", "\n\n1. ", "\n   ", "\n\n> ", "\n\n## ")
BLOCKS = (
    "\n\n```sh\ndocker volume rm data\n```\n\n",
    "\n\n   ```sh\n   rm -rf data\n   ```\n\n",
    "\n\n## Performance\n\n",
    "\n\n!!! note\n\n    ",
    "\n\n> [!NOTE]\n> ",
    "\n\n| a | b |\n| - | - |\n| ",
    "\n\n- [ ] ",
    "\n\n<div>\n\n",
    "\r\n\r\n",
)
PAGES = st.lists(
    st.tuples(st.sampled_from(PIECES), st.sampled_from((*BETWEEN, *BLOCKS))), max_size=9
).map(lambda pairs: "".join(map("".join, pairs)).encode())


def code(page: Page) -> Counter[str]:
    """All code, links and images of a page."""
    found = [page.cut(block.text) for block in page.of("fence")]
    for kind in ("code", "link", "image"):
        found += [f"{kind} {run.value}" for run in page.inlines(kind)]
    return Counter(found)


@settings(max_examples=80, deadline=None)
@given(PAGES)
def test_marking_twice_is_marking_once(page: bytes) -> None:
    once = marked(page, DEFAULT)
    assert marked(once, DEFAULT) == once


@settings(max_examples=80, deadline=None)
@given(PAGES)
def test_code_links_and_the_characters_of_the_text_stay(page: bytes) -> None:
    done = marked(page, DEFAULT)
    assert code(parse(done)) == code(parse(page))
    lost = Counter(page.decode()) - Counter(done.decode())
    assert set(lost) <= set(" \r\n>")


@settings(max_examples=40, deadline=None)
@given(PAGES)
def test_every_fix_is_a_row_of_edits_that_do_not_touch(page: bytes) -> None:
    for proposal in proposals(parse(page), DEFAULT):
        edits = proposal.fix.edits if proposal.fix else ()
        ends = [0, *(edit.span.end for edit in edits)]
        assert all(
            end <= edit.span.start <= edit.span.end <= len(page)
            for end, edit in zip(ends, edits, strict=False)
        )


class Cell:
    """A text of which only a part may change, as in a notebook."""

    path = "a.ipynb"

    def __init__(self, text: bytes) -> None:
        self.text = text

    def edited(self, edits: object) -> Cell | None:
        """Refuse."""
        return None


def test_what_refuses_edits_stays_as_it_is() -> None:
    text = b"We recommend a copy.\n"

    def all_of(page: Page) -> list[Proposal]:
        return proposals(page, DEFAULT)

    done = write(Cell(text), DEFAULT, all_of)
    assert (done.source.text, done.made) == (text, ())
