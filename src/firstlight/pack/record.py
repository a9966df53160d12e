"""RECORD: the list of installed files, read from a wheel and written for an image."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping

from firstlight.errors import ArtefactError

__all__ = ["Row", "read_record", "write_record", "row_of"]

Row = tuple[str, str]
"""Hash and size as RECORD has them: ``sha256=…`` without padding, decimal."""

_ALGORITHMS = {"sha256", "sha384", "sha512"}


def read_record(data: bytes, *, filename: str) -> dict[str, Row]:
    """Return hash and size by path; rows without a good hash or a size are left out.

    Hashes weaker than SHA-256 are not allowed in RECORD and count as none.

    Raises:
        ArtefactError: when the file is not UTF-8 or not CSV.
    """
    try:
        rows = list(csv.reader(data.decode().splitlines()))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ArtefactError(
            f"{filename}: its RECORD cannot be read: {error}",
            hint="this wheel is damaged; fetch it again or report it to its publisher",
        ) from error
    return {
        row[0].removeprefix("./"): (row[1], row[2])
        for row in rows
        if len(row) > 2 and row[1].partition("=")[0] in _ALGORITHMS and row[2].isdigit()
    }


def write_record(rows: Mapping[str, Row]) -> bytes:
    """Return RECORD with its rows in the order of their paths."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows((path, *rows[path]) for path in sorted(rows))
    return text.getvalue().encode()


def row_of(pieces: Iterable[bytes]) -> Row:
    """Return the row of a file that comes in pieces."""
    state, size = hashlib.sha256(), 0
    for piece in _each(pieces):
        state.update(piece)
        size += len(piece)
    text = base64.urlsafe_b64encode(state.digest()).decode().rstrip("=")
    return f"sha256={text}", str(size)


def _each(pieces: Iterable[bytes]) -> Iterator[bytes]:
    yield from pieces
