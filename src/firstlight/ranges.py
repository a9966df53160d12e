"""A remote file that reads like a local one, block by block."""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

__all__ = ["RangeReader"]

_BLOCK = 1 << 20
_KEPT = 24
_AHEAD = 8


class RangeReader(io.RawIOBase):
    """Seekable reading over a function that returns the bytes of a range.

    Args:
        size: The length of the file.
        read_range: Returns the bytes from `start` up to, without, `end`. Costs one
            request, so blocks are kept, and reading onwards asks for several at once.
    """

    def __init__(self, size: int, read_range: Callable[[int, int], bytes]) -> None:
        super().__init__()
        self._size = size
        self._read_range = read_range
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._position = 0
        self._next = -1
        self._span = 1

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """The position of the next byte."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; asks the server for nothing."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}
        if base[whence] + offset < 0:
            raise OSError("seeking before the start of the file")
        self._position = base[whence] + offset
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        """Read what the block under the position holds, up to the buffer's size."""
        if self._position >= self._size:
            return 0
        number, start = divmod(self._position, _BLOCK)
        data = self._block(number)[start : start + len(buffer)]
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            self._load(number)
        self._blocks.move_to_end(number)
        return self._blocks[number]

    def _load(self, number: int) -> None:
        self._span = min(self._span * 2, _AHEAD) if number == self._next else 1
        start = number * _BLOCK
        end = min(start + self._span * _BLOCK, self._size)
        data = self._read_range(start, end)
        for offset in range(0, end - start, _BLOCK):
            self._blocks[(start + offset) // _BLOCK] = data[offset : offset + _BLOCK]
        self._next = number + self._span
        while len(self._blocks) > _KEPT:
            self._blocks.popitem(last=False)
