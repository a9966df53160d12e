"""Points and the straight line through them, as a small SVG and one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Line", "fit", "draw"]

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 360, 60, 20, 40, 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The least-squares line through points, and how well it explains them."""

    slope: float
    intercept: float
    r_squared: float

    def at(self, x: float) -> float:
        """The value of the line."""
        return self.intercept + self.slope * x


def fit(points: Sequence[tuple[float, float]]) -> Line:
    """Fit a straight line."""
    count = len(points)
    mean_x = sum(x for x, _ in points) / count
    mean_y = sum(y for _, y in points) / count
    across = sum((x - mean_x) * (y - mean_y) for x, y in points)
    slope = across / (sum((x - mean_x) ** 2 for x, _ in points) or 1)
    line = Line(slope=slope, intercept=mean_y - slope * mean_x, r_squared=0)
    left = sum((y - line.at(x)) ** 2 for x, y in points)
    total = sum((y - mean_y) ** 2 for _, y in points) or 1
    return Line(slope=slope, intercept=line.intercept, r_squared=1 - left / total)


def draw(
    points: Sequence[tuple[float, float]],
    *,
    title: str,
    across: str,
    up: str,
    unit: str = "GB",
) -> str:
    """Draw the points and their line as an SVG document."""
    line = fit(points)
    most_x = max(x for x, _ in points) * 1.05
    most_y = max(y for _, y in points) * 1.1

    def place(x: float, y: float) -> str:
        right = LEFT + x / most_x * (WIDTH - LEFT - RIGHT)
        down = HEIGHT - BOTTOM - y / most_y * (HEIGHT - TOP - BOTTOM)
        return f"{right:.1f} {down:.1f}"

    def dot(x: float, y: float) -> str:
        right, down = place(x, y).split()
        label = f"<title>{x:.2f}: {y:.2f}</title>"
        return f'<circle cx="{right}" cy="{down}" r="4" fill="#2563eb">{label}</circle>'

    start, end = place(0, max(line.at(0), 0)), place(most_x, line.at(most_x))
    axes = f"M{place(0, most_y)} L{place(0, 0)} L{place(most_x, 0)}"
    said = (
        f"{line.intercept:.1f} s + {line.slope:.2f} s per {unit}, "
        f"R² {line.r_squared:.4f}"
    )
    middle = (LEFT + WIDTH - RIGHT) // 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{LEFT}" y="22">{escape(said)}</text>',
        f'<path d="{axes}" fill="none" stroke="#111"/>',
        f'<path d="M{start} L{end}" stroke="#dc2626" stroke-dasharray="6 4"/>',
        *(dot(x, y) for x, y in points),
        *_scale(most_x, most_y, place),
        f'<text x="{middle}" y="{HEIGHT - 12}" text-anchor="middle">'
        f"{escape(across)}</text>",
        f'<text transform="translate(16 {HEIGHT // 2}) rotate(-90)" '
        f'text-anchor="middle">{escape(up)}</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _scale(most_x: float, most_y: float, place: object) -> list[str]:
    assert callable(place)
    marks = []
    places = 0 if most_y > 10 else 1
    for step in range(1, 5):
        x, y = most_x * step / 4.2, most_y * step / 4.4
        right = place(x, 0).split()[0]
        down = place(0, y).split()[1]
        marks.append(
            f'<text x="{right}" y="{HEIGHT - BOTTOM + 18}" '
            f'text-anchor="middle">{x:.1f}</text>'
        )
        marks.append(
            f'<text x="{LEFT - 6}" y="{down}" text-anchor="end">{y:.{places}f}</text>'
        )
    return marks
