"""The numbers that rules measure by: policy of a project, not science."""

from __future__ import annotations

from dataclasses import dataclass, fields

from firstlight.fields import Fields

__all__ = ["Limits", "read_limits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Every number of ``[docs.limits]``; a key there is a name here with dashes.

    Where one measure is for English and one for Chinese, it counts words in the one
    and characters in the other.
    """

    blocks_per_mark: int = 3
    """On average one block in so many may carry a symbol or be a notice."""
    marks_allowed: int = 3
    """So many marks on a page are never too many."""
    notices_in_a_row: int = 1
    sentence_words: int = 50
    sentence_characters: int = 120
    paragraph_words: int = 180
    paragraph_characters: int = 350
    table_columns: int = 7
    emoji_version: int = 13
    """The newest Emoji version whose symbols may mark a block."""


def read_limits(table: Fields) -> Limits:
    """Return the limits of a table; what is wrong in it goes to its findings."""
    standard = Limits()
    found = {
        each.name: table.number(
            each.name.replace("_", "-"), getattr(standard, each.name), least=0
        )
        for each in fields(Limits)
    }
    table.end()
    return Limits(**found)
