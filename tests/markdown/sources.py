"""Sources for tests: pages put behind lists, quotes and tabs, and laws of any page."""

from __future__ import annotations

from hypothesis import strategies as st

from firstlight.markdown.page import Block, Inline, Page

__all__ = ["behind", "holders", "pages", "violations"]

# What a line begins with inside a container: on its first line, on the others.
holders = {
    "nothing": ("", ""),
    "a quote": ("> ", "> "),
    "a list": ("- ", "  "),
    "a numbered list": ("10. ", "    "),
    "a list in a quote": ("> - ", ">   "),
    "a quote in a list": ("- > ", "  > "),
    "a list after a tab": ("-\t", "\t"),
}


def behind(holder: str, source: str) -> str:
    """Put a source into a container."""
    first, other = holders[holder]
    lines = source.split("\n")
    rest = [
        (other + line).rstrip(" ") if line else other.rstrip() for line in lines[1:]
    ]
    return "\n".join([first + lines[0], *rest])


_FRAGMENTS = (
    *("# ", "## Title", "> ", "- ", "1. ", "* ", "+ ", "    ", "\t", "  ", " "),
    *("```", "```python", "~~~", "`", "``", "***", "---", "===", "|", "|-|-|", "| a |"),
    *("**", "*", "__", "_", "~~", "[", "]", "](", "(", ")", "![", "<", ">", "<!--"),
    *("-->", "<b>", "</b>", "<div>", "</div>", "[^1]", "[^1]: ", "[a]: /b", "$", "$$"),
    *(
        "!!!",
        "!!! note",
        '??? tip "T"',
        "???+ warning",
        "    body",
        ":::",
        ":::warning",
    ),
    *("::: tip T", "///", "/// note | T", "```{warning}", ":::{note}", "> [!NOTE]"),
    *(
        "[!WARNING] T",
        "⚠️",
        "**Warning**: ",
        "**注意：**",
        "注意：",
        "请勿",
        "text",
        "é",
    ),
    *(
        "\\",
        "&amp;",
        "{#id}",
        "- [ ] ",
        "\u200b",
        "𝄞",
        "👩‍🚀",
        "\ufeff",
        "\0",
        "title: x",
    ),
)
_ENDS = ("\n", "\n\n", "\r\n", "\r\n\r\n", "", "", " ")

pages = st.lists(
    st.tuples(st.sampled_from(_FRAGMENTS), st.sampled_from(_ENDS)), max_size=24
).map(lambda parts: "".join(a + b for a, b in parts).encode())
"""Any text made of what Markdown is made of."""


def violations(page: Page) -> list[str]:
    """Return the laws of pages that this one breaks."""
    broken = []
    size = len(page.data)
    if not len(page.prose) == len(page.shown) == size:
        broken.append("prose and shown have the length of the source")
    if any(a not in (b, 32, 95) for a, b in zip(page.prose, page.data, strict=True)):
        broken.append("prose is the source, a space or an underscore")
    if any(a not in (b, 0) for a, b in zip(page.shown, page.data, strict=True)):
        broken.append("shown is the source, or not shown")
    if [at for at, b in enumerate(page.prose) if b == 10] != [
        at for at, b in enumerate(page.data) if b == 10
    ]:
        broken.append("prose keeps the lines")
    for number, block in enumerate(page.blocks):
        broken += _of_block(page, number, block)
    for kind in ("code", "strong", "emphasis", "strike", "link", "image"):
        broken += _of_runs(page, page.inlines(kind))
    for kind in ("math", "html", "footnote"):
        broken += _of_runs(page, page.inlines(kind))
    return broken


def _of_block(page: Page, number: int, block: Block) -> list[str]:
    broken, size = [], len(page.data)
    named = f"block {number} {block.kind} {block.start}-{block.end}"
    if not 0 <= block.start <= block.end <= size:
        broken.append(f"{named} lies in the source")
    if not block.start <= block.text.start <= block.text.end <= block.end:
        broken.append(f"{named} holds its text {tuple(block.text)}")
    if not -1 <= block.parent < number:
        broken.append(f"{named} comes after its parent {block.parent}")
    elif block.parent >= 0:
        parent = page.blocks[block.parent]
        if not parent.start <= block.start <= block.end <= parent.end:
            broken.append(f"{named} lies in {parent.kind} {parent.start}-{parent.end}")
    before = page.siblings(number)[0]
    if before >= 0 and page.blocks[before].end > block.start:
        broken.append(f"{named} begins after its sibling ends")
    if block.kind == "notice":
        broken += [f"{named} {each}" for each in _of_notice(block)]
    return broken


def _of_notice(block: Block) -> list[str]:
    broken, notice = [], block.value
    if not block.start <= notice.head.start <= notice.head.end <= block.end:
        broken.append(f"holds its head {tuple(notice.head)}")
    if not notice.head.end <= notice.body.start <= notice.body.end <= block.end:
        broken.append(f"has its body {tuple(notice.body)} after its head")
    return broken


def _of_runs(page: Page, runs: list[Inline]) -> list[str]:
    broken = []
    starts = [run.start for run in runs]
    if starts != sorted(starts):
        broken.append("runs are in the order of the source")
    for run in runs:
        named = f"{run.kind} {run.start}-{run.end}"
        if not run.start <= run.text.start <= run.text.end <= run.end:
            broken.append(f"{named} holds its text {tuple(run.text)}")
        if not 0 <= run.block < len(page.blocks):
            broken.append(f"{named} is in a block")
            continue
        block = page.blocks[run.block]
        if not block.text.start <= run.start < run.end <= block.text.end:
            broken.append(f"{named} is in the text of its {block.kind} {block.text}")
    return broken
