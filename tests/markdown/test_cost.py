"""The cost of reading grows with the length of a page, whatever is on it."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from firstlight.finding import Keeps
from firstlight.markdown.anchors import of
from firstlight.markdown.comments import directives
from firstlight.markdown.notices import spoken
from firstlight.markdown.parse import parse
from firstlight.markdown.render import same

SMALL, TIMES = 250, 8
ALLOWED = 4 * TIMES
"""A cost that grows with the square would be 8 times `TIMES`."""

SHAPES: dict[str, Callable[[int], bytes]] = {
    "deep quotes": lambda n: b"> " * n + b"a",
    "deep lists": lambda n: b"- " * n + b"a",
    "brackets": lambda n: b"[" * n,
    "half links": lambda n: b"[a](" * n,
    "stars": lambda n: b"*" * n,
    "half emphasis": lambda n: b"*a _b " * n,
    "half bold": lambda n: b"**a" * n,
    "half math": lambda n: b"$a " * n,
    "half tags": lambda n: b"<b " * n,
    "half comments": lambda n: b"a <!-- firstlight: ignore " * n,
    "half code elements": lambda n: b"a " + b"<code> " * n,
    "a long table": lambda n: b"|a|b|\n|-|-|\n" + b"|c|d|\n" * n,
    "a wide table": lambda n: b"|a" * n + b"|\n" + b"|-" * n + b"|\n" + b"|b" * n,
    "pipes": lambda n: b"|" * n,
    "indented notices": lambda n: b"!!! note\n    a\n\n" * n,
    "heads without bodies": lambda n: b"!!! note\n" * n,
    "a head before empty lines": lambda n: b"!!! note\n" + b"\n" * n,
    "fenced notices": lambda n: b":::note\na\n:::\n" * n,
    "open fences": lambda n: b":::note\n" * n,
    "open fences of two kinds": lambda n: b":::note\n/// tip\n" * n + b"////\n" * n,
    "open directives": lambda n: b"```{note}\n" * n,
    "options of a directive": lambda n: b"```{note}\n" + b":a: b\n" * n + b"```",
    "a long title": lambda n: b'!!! note "' + b"a " * n + b'"\n    b',
    "alerts": lambda n: b"> [!NOTE]\n> a\n\n" * n,
    "spoken notices": lambda n: "**注意**：a\n\n".encode() * n,
    "equal headings": lambda n: b"# a\n\n" * n,
    "headings with numbers": lambda n: b"# a_1\n\n# a-1\n\n" * n,
    "half ids": lambda n: b"# a " + b"{#" * n,
    "labels": lambda n: b"(" * n + b")=",
    "symbols": lambda n: "⚠️".encode() * n,
    "half shortcodes": lambda n: b":a" * n,
    "directives": lambda n: b"<!-- firstlight: ignore a.b -->\n\na\n\n" * n,
    "front matter without an end": lambda n: b"---\na: b\n" + b"c: d\n" * n,
}


def read(data: bytes) -> None:
    """Do everything that is done with a page."""
    page = parse(data)
    page.once(spoken)
    page.once(directives)
    of(page, "mkdocs")
    of(page, "github")
    for keeps in Keeps:
        same(data, data + b" ", keeps)


def cost(data: bytes) -> float:
    """The least of a few measured costs, in seconds of this process."""
    found = []
    for _ in range(2):
        start = time.process_time()
        read(data)
        found.append(time.process_time() - start)
    return min(found)


@pytest.mark.parametrize("shape", SHAPES)
def test_cost_grows_with_length(shape: str) -> None:
    make = SHAPES[shape]
    # Below a millisecond nothing can be measured, so that it counts as one.
    assert cost(make(SMALL * TIMES)) < ALLOWED * max(cost(make(SMALL)), 0.001)
