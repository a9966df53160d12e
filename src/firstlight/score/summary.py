"""All parts, their weights, and the one number: its formula is this table."""

from __future__ import annotations

from collections.abc import Mapping

from firstlight.score import (
    anchors,
    hazards,
    marks,
    openings,
    paragraphs,
    readability,
    results,
    steps,
)
from firstlight.score.part import Counts, Part

__all__ = ["FORMULA", "PARTS", "WEIGHTS", "Vector", "scores", "summary"]

WEIGHTS: Mapping[str, int] = {
    "anchors": 20,
    "paragraphs": 20,
    "openings": 10,
    "steps": 15,
    "hazards": 15,
    "results": 5,
    "readability": 10,
    "marks": 5,
}
"""Part -> what it weighs, of 100. They are a choice of ours, and no science."""

PARTS: Mapping[str, Part] = {
    module.PART.name: module.PART
    for module in (
        anchors,
        paragraphs,
        openings,
        steps,
        hazards,
        results,
        readability,
        marks,
    )
}
"""Name -> part, in the order in which they are shown."""

FORMULA = "score = sum of weight × part / sum of weights, over the parts that apply"
"""How the parts give one number."""

Vector = Mapping[str, Counts]
"""Part -> what was counted."""


def scores(vector: Vector) -> dict[str, float | None]:
    """Return what each part gives, from 0 to 100; None where it does not apply."""
    return {name: part.score(vector[name]) for name, part in PARTS.items()}


def summary(vector: Vector) -> float | None:
    """Return the one number, None for a page that has no text."""
    found = [(WEIGHTS[n], s) for n, s in scores(vector).items() if s is not None]
    total = sum(weight for weight, _ in found)
    return sum(weight * each for weight, each in found) / total if total else None
