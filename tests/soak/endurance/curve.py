"""The memory of a soak as a picture: an SVG for people, and a few lines for a terminal."""

from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

from tests.soak.endurance.story import Point


WIDTH: Final = 960
HEIGHT: Final = 360
LEFT, RIGHT, TOP, BOTTOM = 60, 150, 40, 40
COLOURS: Final = ("#1b6ca8", "#d1495b", "#3a8a4d", "#8a5a9e", "#b07d2b")
DOTS: Final = 300
"""Of a line, about."""
MEBIBYTE: Final = 1 << 20
BARS: Final = "▁▂▃▄▅▆▇█"


def svg(points: Sequence[Point], title: str) -> str:
    """Resident memory over time, a line for each process and one for all of them."""
    points = points[:: max(len(points) // DOTS, 1)]
    names = list(dict.fromkeys(name for point in points for name in point.resident))
    lines = {
        name: [(one.at, one.resident[name] / MEBIBYTE) for one in points if name in one.resident]
        for name in names
    }
    lines["all"] = [(one.at, one.total / MEBIBYTE) for one in points]
    end = max((one.at for one in points), default=1.0) or 1.0
    top = max((value for line in lines.values() for _, value in line), default=1.0) * 1.1
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def x(at: float) -> float:
        return LEFT + wide * at / end

    def y(value: float) -> float:
        return TOP + high * (1 - value / top)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="22" font-size="15">{escape(title)}</text>',
    ]
    for step in range(6):
        value, at = top * step / 5, end * step / 5
        parts += [
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#ddd"/>',
            f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.0f} MiB</text>',
            f'<text x="{x(at):.1f}" y="{HEIGHT - 14}" text-anchor="middle">{at / 60:.1f} min</text>',
        ]
    for number, (name, line) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        way = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in line)
        parts.append(f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        if line:
            place = y(line[-1][1]) + 4
            parts.append(
                f'<text x="{WIDTH - RIGHT + 8}" y="{place:.1f}" fill="{colour}">{escape(name)}</text>'
            )
    return "\n".join([*parts, "</svg>", ""])


def bars(points: Sequence[Point], width: int = 60) -> str:
    """The memory of all processes from left to right, from its lowest to its highest."""
    if not points:
        return ""
    step = max(len(points) / width, 1.0)
    values = [points[int(index * step)].total for index in range(int(len(points) / step))]
    low, high = min(values), max(values)
    shown = "".join(BARS[int((value - low) / ((high - low) or 1) * (len(BARS) - 1))] for value in values)
    return f"{shown}  {low / MEBIBYTE:.1f} to {high / MEBIBYTE:.1f} MiB"
