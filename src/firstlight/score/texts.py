"""The running text of a page: its paragraphs, those of list items too, by their room.

Room is counted in lines of 80 columns, whatever the lines of the source are. Chinese
needs less room for the same; where its readers are to find their way as well, not the
room counts but what is told in it. In 285 pages that exist in both languages there are
1.75 characters for each English word, so that is how they compare.
"""

from __future__ import annotations

from typing import NamedTuple

from firstlight.lint.measure import length
from firstlight.markdown.notices import spoken
from firstlight.markdown.page import Page

__all__ = ["CHARACTERS", "SCREEN", "WORDS", "Text", "bodies", "texts"]

SCREEN = 40
"""Lines of text on a screen."""
WORDS, CHARACTERS = 13, 23
"""What a line of 80 columns holds in English, and the same in Chinese."""


class Text(NamedTuple):
    """How long a paragraph is, and in which unit: ``words`` or ``characters``."""

    length: int
    unit: str

    @property
    def lines(self) -> float:
        """The lines that it takes, or would take in English."""
        return self.length / (WORDS if self.unit == "words" else CHARACTERS)


def texts(page: Page) -> dict[int, Text]:
    """Return the paragraphs that have words, by number; ask with `Page.once`."""
    prose = page.prose
    found = {}
    for number in page.numbers("paragraph"):
        text = page.blocks[number].text
        count, unit = length(prose[text.start : text.end])
        if count:
            found[number] = Text(count, unit)
    return found


def bodies(page: Page) -> dict[int, int]:
    """Return where the text of a paragraph with a mark begins, by number.

    Ask with `Page.once`.
    """
    notices = page.once(spoken).values()
    return {page.at(notice.head.start): notice.body.start for notice in notices}
