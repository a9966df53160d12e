"""Events of the CommonMark parser in, blocks and runs of a page out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from operator import itemgetter
from typing import Any, TypeAlias

from firstlight.finding import Span
from firstlight.lexicon.table import Lexicon
from firstlight.markdown.containers import View, nested
from firstlight.markdown.page import Block, Inline, Notice, Page

__all__ = ["Builder"]

_ONLY_LINE_FEEDS = bytes(10 if byte == 10 else 0 for byte in range(256))
_NO_NULS = bytes((32, *range(1, 256)))
_UNDERSCORES = bytes(10 if byte == 10 else 95 for byte in range(256))


class Builder:
    """Blocks that grow while the events pass; frozen into a page at last.

    Pages have many events, so this is written for speed: a growing block is a list
    (`_KIND` to `_LAST`), and what happens at most events happens in `take` itself.
    """

    def __init__(self, data: bytes, view: View, lexicon: Lexicon) -> None:
        self.data = data
        self.view = view
        self.lexicon = lexicon
        self.shown = bytearray(data.translate(_ONLY_LINE_FEEDS))
        self.blocks: list[list[Any]] = []
        self.inlines: dict[str, list[Inline]] = {}
        self.hidden: list[Span] = []
        self.current = -1
        self.leaf = -1
        self.silent = 0
        self.column = 0
        self.open: list[int] = []
        self.inner = 0
        self.seen: dict[int, int] = {}
        self.runs: list[tuple[list[Inline], int, Any, int]] = []

    def take(self, events: Iterable[tuple[Any, Any]]) -> None:
        """Read all events; each is a name, or a dictionary of a name and a value."""
        blocks, shown, data = self.blocks, self.shown, self.data
        for event, where in events:
            if "Text" in event:
                start, end = where["start"], where["end"]
                block = blocks[self.current]
                if block[_KIND] in _HOLDS_BLOCKS:
                    block = self.begin_tight(start, end)
                if block[_FIRST] < 0:
                    block[_FIRST] = start
                block[_LAST] = self.inner = end
                if not self.silent:
                    shown[start:end] = data[start:end]
            elif "End" in event:
                tag = event["End"]
                _END[tag if type(tag) is str else next(iter(tag))](self)
            else:
                self.begin_any(event, where["start"], where["end"])

    def begin_any(self, event: Any, start: int, end: int) -> None:
        """A block or a run begins, or is there all at once."""
        tag: Any = event if type(event) is str else event.get("Start", event)
        if type(tag) is str:
            _BEGIN[tag](self, None, start, end)
        else:
            for name, value in tag.items():
                _BEGIN[name](self, value, start, end)

    # Blocks

    def begin(self, kind: str, start: int, end: int, value: Any = None) -> list[Any]:
        """Add a block inside the current one and make it the current."""
        if self.leaf >= 0:
            self.end_tight()
        data, blocks, current = self.data, self.blocks, self.current
        if data[start : start + 1] in _INDENT and kind not in _INDENTED:
            start = self.mark(start)
        while end > start and data[end - 1] in b"\r\n \t":
            end -= 1
        self.open.append(current)
        self.current = len(blocks)
        block = [kind, start, end, current, value, -1, -1]
        blocks.append(block)
        return block

    def mark(self, start: int) -> int:
        """Return where a block begins that is indented more than it must be."""
        data = self.view.data
        while data[start : start + 1] in _INDENT:
            start += 1
        return start

    def close(self) -> None:
        """Leave the current block."""
        if self.leaf >= 0:
            self.end_tight()
        self.current = self.open.pop()

    def pass_over(self) -> None:
        """Note that a block begins of which the page shall have none."""
        if self.leaf >= 0:
            self.end_tight()
        self.open.append(self.current)

    def begin_tight(self, start: int, end: int) -> list[Any]:
        """Give the text of a tight item a paragraph, and return that."""
        block = self.begin("paragraph", start, end)
        self.leaf = self.current
        return block

    def end_tight(self) -> None:
        """Close the paragraph that the text of a tight item was given."""
        block = self.blocks[self.leaf]
        self.leaf = -1
        block[_END_AT] = block[_LAST]
        self.current = self.open.pop()

    def begin_paragraph(self, value: Any, start: int, end: int) -> None:
        """Begin a paragraph, whose text is all of it."""
        block = self.begin("paragraph", start, end)
        block[_FIRST:] = block[_START], block[_END_AT]

    def begin_heading(self, value: Any, start: int, end: int) -> None:
        """Begin a heading, unless it only stands for the head of a notice."""
        if self.view.stand_ins and self.mark(start) in self.view.stand_ins:
            self.pass_over()
            self.silent += 1
            return
        self.begin("heading", start, end, int(value["level"][1]))

    def end_heading(self) -> None:
        """End a heading or what looked like one."""
        if self.silent:
            self.silent -= 1
        self.close()

    def begin_quote(self, value: Any, start: int, end: int) -> None:
        """Begin a quote, or the notice it is under GitHub's rules."""
        if value is None:
            self.begin("quote", start, end)
            return
        name = value.lower()
        head, body = self.split(start, end)
        notice = Notice(
            form="alert",
            type=name,
            function=self.lexicon.function_of_word(name, "alert"),
            title="",
            head=head,
            body=body,
        )
        self.begin("notice", start, end, notice)

    def split(self, start: int, end: int) -> tuple[Span, Span]:
        """Return the first line of a block and the rest, without their line ends."""
        line_end = self.data.find(b"\n", start, end)
        if line_end < 0:
            line_end = end
        head = len(self.data[start:line_end].rstrip())
        end = start + len(self.data[start:end].rstrip())
        body = min(line_end + 1, end)
        return Span(start, start + head), Span(body, end)

    def begin_list(self, value: Any, start: int, end: int) -> None:
        """Begin a list, unless it only stands for a notice."""
        if self.view.notices and self.mark(start) in self.view.notices:
            self.pass_over()
        else:
            self.begin("list", start, end, value)

    def begin_item(self, value: Any, start: int, end: int) -> None:
        """Begin an item, or the notice that it stands for."""
        notice = self.view.notices and self.view.notices.get(self.mark(start))
        if not notice:
            self.begin("item", start, end)
            return
        body = self.split(start, end)[1]
        self.begin("notice", start, end, notice._replace(body=body))

    def begin_code(self, value: Any, start: int, end: int) -> None:
        """Begin a code block."""
        self.silent += 1
        if value == "Indented":
            self.begin("indented", start, end)
        else:
            self.begin("fence", start, end, value["Fenced"])

    def front(self, place: Span, text: Span) -> None:
        """Add front matter, which the parser is not shown."""
        self.begin("front", *place)[_FIRST:] = text
        self.close()

    def begin_table(self, value: Any, start: int, end: int) -> None:
        """Begin a table."""
        self.begin("table", start, end, tuple(each.lower() for each in value))

    def begin_row(self, is_head: bool, start: int, end: int) -> None:
        """Begin a row."""
        self.column = 0
        self.begin("row", start, end, is_head)

    def begin_cell(self, value: Any, start: int, end: int) -> None:
        """Begin a cell; one that the row lacks is empty, at the row's end."""
        last = self.blocks[self.current][_END_AT]
        self.begin("cell", min(start, last), min(end, last), self.column)
        self.column += 1

    def end_silent(self) -> None:
        """End a block whose text is no prose."""
        self.silent -= 1
        self.close()

    def on_rule(self, value: Any, start: int, end: int) -> None:
        """A line between two parts."""
        if self.leaf >= 0:
            self.end_tight()
        if start in self.view.stand_ins:
            self.seen[start] = self.current
        else:
            self.begin("rule", start, end)
            self.close()

    def on_task(self, value: bool, start: int, end: int) -> None:
        """The box of a task: its item is a task."""
        number = self.current
        while number >= 0 and self.blocks[number][_KIND] != "item":
            number = self.blocks[number][_PARENT]
        if number >= 0:
            self.blocks[number][_VALUE] = value

    # Runs

    def touch(self, start: int, end: int) -> None:
        """Note that the current leaf has text here."""
        block = self.blocks[self.current]
        if block[_KIND] in _HOLDS_BLOCKS:
            block = self.begin_tight(start, end)
        if block[_FIRST] < 0:
            block[_FIRST] = start
        block[_LAST] = self.inner = end

    def on_code(self, value: str, start: int, end: int) -> None:
        """A code span."""
        data, ticks = self.data, start
        while data[ticks] == 96:
            ticks += 1
        self.add("code", start, end, value, _SPAN((ticks, end - (ticks - start))))

    def on_math(self, value: str, start: int, end: int) -> None:
        """Math between dollars."""
        width = 2 if self.data[start : start + 2] == b"$$" else 1
        self.add("math", start, end, value, Span(start + width, end - width))

    def add(self, kind: str, start: int, end: int, value: str, text: Span) -> None:
        """Add a run without runs inside; it shows a text that is no prose."""
        self.touch(start, end)
        run = _INLINE((kind, start, end, self.current, value, text))
        self.inlines.setdefault(kind, []).append(run)
        if not self.silent:
            first, last = text
            self.shown[first:last] = self.data[first:last]
            self.hidden.append(text)

    def on_inline_html(self, value: Any, start: int, end: int) -> None:
        """A tag or comment inside a leaf."""
        self.add_mark("html", start, end)

    def on_footnote(self, value: str, start: int, end: int) -> None:
        """A reference to a footnote."""
        self.add_mark("footnote", start, end, value)

    def add_mark(self, kind: str, start: int, end: int, value: Any = None) -> None:
        """Add a run that shows no text of its own."""
        self.touch(start, end)
        run = Inline(kind, start, end, self.current, value, Span(start, end))
        self.inlines.setdefault(kind, []).append(run)

    def begin_run(self, kind: str, value: Any, start: int, end: int) -> None:
        """Begin emphasis, a link or an image."""
        self.touch(start, end)
        table = self.inlines.setdefault(kind, [])
        marker = _MARKERS.get(kind) or (2 if self.data[start + 1] == 126 else 1)
        self.inner = start + marker
        self.runs.append((table, len(table), value, self.inner))
        # Its place among those that begin before it ends.
        table.append(_INLINE((kind, start, end, self.current, None, _NOTHING)))
        if kind == "image":
            self.silent += 1

    def end_run(self) -> None:
        """End it: its text is known now."""
        table, number, value, first = self.runs.pop()
        kind, start, end, block, _, _ = table[number]
        target = value["dest_url"] if value else None
        text = _SPAN((first, self.inner))
        table[number] = _INLINE((kind, start, end, block, target, text))
        self.inner = self.blocks[block][_LAST] = end
        if kind == "image":
            self.silent -= 1

    # The page

    def page(self, path: str) -> Page:
        """Return what was read as a page."""
        shown = bytes(self.shown)
        prose = bytearray(shown.translate(_NO_NULS))
        for start, end in self.hidden:
            prose[start:end] = self.data[start:end].translate(_UNDERSCORES)
        blocks = [
            _BLOCK((kind, start, end, parent, value, _text(first, last, end)))
            for kind, start, end, parent, value, first, last in self.blocks
        ]
        for found in self.inlines.values():
            found.sort(key=itemgetter(1))
        fenced = [each for each in self.view.fenced if self.is_fenced(each[0])]
        if fenced:
            blocks = nested(blocks, fenced, self.inlines)
        return Page(
            path, self.data, shown, bytes(prose), blocks, self.inlines, self.lexicon
        )

    def is_fenced(self, notice: Notice) -> bool:
        """Whether the parser saw both fences, not in code or HTML, in one container."""
        around = self.seen.get(notice.head.start)
        return around is not None and around == self.seen.get(notice.body.end)


def _text(first: int, last: int, end: int) -> Span:
    """The content of a block: what was touched, else nothing at its end."""
    if 0 <= first <= last <= end:
        return _SPAN((first, last))
    if first < 0:
        return Span(end, end)
    # Code without an end fence ends with a line feed, which the block does not.
    first = min(first, end)
    return Span(first, max(first, min(last, end)))


def _run(kind: str) -> _Take:
    return lambda builder, value, start, end: builder.begin_run(kind, value, start, end)


def _block(kind: str) -> _Take:
    return lambda builder, value, *span: builder.begin(kind, *span, value)


_KIND, _START, _END_AT, _PARENT, _VALUE, _FIRST, _LAST = range(7)
_Take: TypeAlias = Callable[[Builder, Any, int, int], object]
_BLOCK: Callable[[tuple[Any, ...]], Block] = partial(tuple.__new__, Block)
_INLINE: Callable[[tuple[Any, ...]], Inline] = partial(tuple.__new__, Inline)
_SPAN: Callable[[tuple[int, int]], Span] = partial(tuple.__new__, Span)
_NOTHING = Span(0, 0)
_INDENT = (b" ", b"\t")
_INDENTED = frozenset(("indented", "html", "front", "cell"))
_HOLDS_BLOCKS = frozenset(("item", "quote", "notice", "footnote", "list"))
_MARKERS = {"strong": 2, "emphasis": 1, "link": 1, "image": 2}
_RUNS = {
    "Strong": _run("strong"),
    "Emphasis": _run("emphasis"),
    "Strikethrough": _run("strike"),
    "Link": _run("link"),
    "Image": _run("image"),
}
_BEGIN: dict[str, _Take] = {
    "Paragraph": Builder.begin_paragraph,
    "Heading": Builder.begin_heading,
    "BlockQuote": Builder.begin_quote,
    "CodeBlock": Builder.begin_code,
    "HtmlBlock": _block("html"),
    "List": Builder.begin_list,
    "Item": Builder.begin_item,
    "FootnoteDefinition": _block("footnote"),
    "Table": Builder.begin_table,
    "TableHead": lambda builder, value, *span: builder.begin_row(True, *span),
    "TableRow": lambda builder, value, *span: builder.begin_row(False, *span),
    "TableCell": Builder.begin_cell,
    **_RUNS,
    # What has no end.
    "Rule": Builder.on_rule,
    "Code": Builder.on_code,
    "InlineHtml": Builder.on_inline_html,
    "InlineMath": Builder.on_math,
    "DisplayMath": Builder.on_math,
    "FootnoteReference": Builder.on_footnote,
    "TaskListMarker": Builder.on_task,
    # A line ends inside a leaf or HTML: its line feed is there already.
    **dict.fromkeys(("SoftBreak", "HardBreak", "Html"), lambda *_: None),
}
_END: dict[str, Callable[[Builder], None]] = {
    **dict.fromkeys(_BEGIN, Builder.close),
    **dict.fromkeys(_RUNS, Builder.end_run),
    "Heading": Builder.end_heading,
    "CodeBlock": Builder.end_silent,
}
