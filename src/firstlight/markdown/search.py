"""Several short pieces of a source looked for at once: that costs as much as one."""

from __future__ import annotations

from ahocorasick_rs import BytesAhoCorasick

__all__ = ["Pieces"]


class Pieces:
    """Pieces of bytes, each with its number in the order in which they are given."""

    def __init__(self, *pieces: bytes) -> None:
        self._automaton = BytesAhoCorasick(pieces)

    def places(self, data: bytes) -> list[tuple[int, int, int]]:
        """Return number, start and end of each that is found; none overlaps another."""
        return self._automaton.find_matches_as_indexes(data)
