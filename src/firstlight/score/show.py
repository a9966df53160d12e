"""Scores for people, line by line, and for programs, as plain data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from firstlight.lint.terminal import visible
from firstlight.score.page import Change, Scored
from firstlight.score.project import Scores, changes
from firstlight.score.summary import FORMULA, PARTS, WEIGHTS, Vector, scores, summary

__all__ = [
    "CHANGES",
    "change_lines",
    "explained",
    "ordered",
    "table",
    "table_lines",
    "vector_lines",
]

CHANGES = 3
"""So many changes can be kept in mind."""

_NONE = "–"
_WIDE = max(map(len, PARTS))


def ordered(pages: Sequence[Scored]) -> list[Scored]:
    """Return pages with the lowest score first; those without text come last."""

    def rank(page: Scored) -> tuple[bool, float, str]:
        score = page.score
        return score is None, score or 0.0, page.path

    return sorted(pages, key=rank)


# For people


def table_lines(pages: Sequence[Scored]) -> Iterator[str]:
    """Yield a row for each page: its score, that of each part, its path."""
    heads = ["score", *PARTS]
    yield "  ".join([*heads, "page"])
    for page in pages:
        found = [page.score, *scores(page.vector).values()]
        cells = [
            _rounded(each).rjust(len(head))
            for head, each in zip(heads, found, strict=True)
        ]
        yield "  ".join([*cells, visible(page.path)])


def vector_lines(name: str, vector: Vector) -> Iterator[str]:
    """Yield the one number, each part with what was counted, and how they give it."""
    one = summary(vector)
    if one is None:
        yield f"{name}: no score, since there is no text"
        return
    yield f"{name}: {one:.1f} of 100"
    yield ""
    found = scores(vector)
    yield f"  {'part':<{_WIDE}}  score  weight  counted"
    for part, score in found.items():
        head = f"  {part:<{_WIDE}}  {_rounded(score):>5}  {WEIGHTS[part]:>6}"
        told = "does not apply" if score is None else PARTS[part].tell(vector[part])
        yield f"{head}  {told}"
    yield ""
    yield f"  {_sum(found, one)}"


def explained(vector: Vector) -> Iterator[str]:
    """Yield why each part that applies matters, what is good, and its formula."""
    for name, score in scores(vector).items():
        if score is not None:
            part = PARTS[name]
            yield f"{name}: {part.about}"
            yield f"  good: {part.good}"
            yield f"  score: {part.formula}"


def _sum(found: dict[str, float | None], one: float) -> str:
    """The formula of the one number with all its numbers in it."""
    used = [(WEIGHTS[name], each) for name, each in found.items() if each is not None]
    terms = " + ".join(f"{weight} × {score:.1f}" for weight, score in used)
    total = sum(weight for weight, _ in used)
    return f"score = ({terms}) / {total} = {one:.1f}"


def change_lines(found: Sequence[Change], head: str) -> Iterator[str]:
    """Yield what to do, by how much that raises the score, and where."""
    shown = [change for change in found if change.gain > 0]
    if not shown:
        return
    yield head
    gains = [_gain(change.gain) for change in shown]
    width = max(map(len, gains))
    for text, change in zip(gains, shown, strict=True):
        part = change.mending.part
        yield f"  {text:>{width}}  {visible(change.where)}: {change.mending.action}"
        yield f"  {'':>{width}}  [{part}]"


def _gain(gain: float) -> str:
    """Two digits that count: what helps one page of many is little for all."""
    return f"+{gain:.1f}" if gain >= 1 else f"+{gain:.2g}"


def _rounded(score: float | None) -> str:
    return _NONE if score is None else f"{score:.0f}"


# For programs


def table(found: Scores) -> dict[str, Any]:
    """Return everything as one object for JSON."""
    return {
        "formula": FORMULA,
        "parts": {
            name: {
                "weight": WEIGHTS[name],
                "about": part.about,
                "good": part.good,
                "formula": part.formula,
            }
            for name, part in PARTS.items()
        },
        "pages": [
            {
                "path": page.path,
                "language": page.language,
                **_vector(page.vector),
                "changes": _changes(changes([page], page.vector, CHANGES)),
            }
            for page in found.pages
        ],
        "project": {
            **_vector(found.vector),
            "changes": _changes(found.best(CHANGES)),
        },
    }


def _vector(vector: Vector) -> dict[str, Any]:
    parts = {
        name: {
            "score": _number(score),
            "counts": dict(zip(PARTS[name].counted, vector[name], strict=True)),
            "told": "" if score is None else PARTS[name].tell(vector[name]),
        }
        for name, score in scores(vector).items()
    }
    return {"score": _number(summary(vector)), "parts": parts}


def _changes(found: Sequence[Change]) -> list[dict[str, Any]]:
    return [
        {
            "gain": _number(change.gain),
            "path": change.path,
            "line": change.mending.line,
            "cell": change.mending.cell,
            "part": change.mending.part,
            "action": change.mending.action,
        }
        for change in found
    ]


def _number(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
