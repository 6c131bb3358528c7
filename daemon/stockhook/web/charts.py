"""Charts drawn by the server: numbers laid out as shapes, with the same numbers as a table for who cannot see them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from stockhook.operations.volume import Point

WIDTH: Final = 600
HEIGHT: Final = 150
_LEFT: Final = 4
_TOP: Final = 16
_FOOT: Final = 18
_MOST_TICKS: Final = 7


@dataclass(frozen=True, slots=True)
class Bar:
    """One value: where it stands, in the units of the drawing, and what a person reads of it.

    The shape reaches from the axis to ``level``: upwards, or downwards where the value is below zero. A ``spare`` tick
    is left out where the drawing is small.
    """

    x: float
    y: float
    width: float
    height: float
    level: float
    label: str
    value: str
    tick: str | None
    spare: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing of ``bars``; ``line`` connects their ends instead.

    ``highest`` is what the top of it stands for, ``lowest`` the bottom where that is below zero; ``axis`` is where zero
    stands, ``foot`` where the drawing ends above the moments.
    """

    name: str
    title: str
    summary: str
    what: tuple[str, str]
    bars: tuple[Bar, ...]
    highest: str
    lowest: str = ""
    axis: float = HEIGHT - _FOOT
    line: str = ""
    area: str = ""
    width: int = WIDTH
    height: int = HEIGHT
    foot: int = HEIGHT - _FOOT


def bars(
    name: str,
    title: str,
    points: Sequence[Point],
    *,
    written: Callable[[int], str],
    when: Callable[[datetime], str],
    tick: Callable[[datetime], str],
    what: tuple[str, str],
) -> Chart:
    """Return a chart of bars; ``written`` and ``when`` say a value and its moment, ``tick`` the moment in short."""
    scale = _Scale.of(points)
    laid = _laid(points, scale, written, when, tick)
    most = max(point.value for point in points)
    total = written(sum(point.value for point in points))
    last = points[-1]
    summary = f"{total} in all, at most {written(most)}; {written(last.value)} {when(last.start)}."
    return Chart(name, title, summary, what, laid, written(most), scale.lowest(written), scale.axis)


def line(
    name: str,
    title: str,
    points: Sequence[Point],
    *,
    written: Callable[[int], str],
    when: Callable[[datetime], str],
    tick: Callable[[datetime], str],
    what: tuple[str, str],
) -> Chart:
    """Return a chart of steps, each level until the next point; as ``bars``."""
    scale = _Scale.of(points)
    laid = _laid(points, scale, written, when, tick)
    most, least = max(point.value for point in points), min(point.value for point in points)
    path = " ".join(
        f"{'L' if place else 'M'}{bar.x:.1f} {bar.level:.1f} H{bar.x + bar.width:.1f}" for place, bar in enumerate(laid)
    )
    area = f"{path} V{scale.axis:.1f} H{laid[0].x:.1f} Z"
    summary = f"Between {written(least)} and {written(most)}; {written(points[-1].value)} now."
    return Chart(name, title, summary, what, laid, written(most), scale.lowest(written), scale.axis, path, area)


@dataclass(frozen=True, slots=True)
class _Scale:
    """How values stand between the top and the foot of a drawing: zero is always within it."""

    most: int
    least: int

    @classmethod
    def of(cls, points: Sequence[Point]) -> "_Scale":
        values = [point.value for point in points]
        return cls(max(0, *values), min(0, *values))

    def height(self, value: int) -> float:
        """Return how far from the axis a value reaches."""
        span = self.most - self.least
        return (HEIGHT - _TOP - _FOOT) * abs(value) / span if span else 0.0

    @property
    def axis(self) -> float:
        """Where zero stands."""
        return HEIGHT - _FOOT - self.height(self.least)

    def lowest(self, written: Callable[[int], str]) -> str:
        """Return what the foot stands for, empty where that is zero."""
        return written(self.least) if self.least else ""


def _laid(
    points: Sequence[Point],
    scale: _Scale,
    written: Callable[[int], str],
    when: Callable[[datetime], str],
    tick: Callable[[datetime], str],
) -> tuple[Bar, ...]:
    step = (WIDTH - 2 * _LEFT) / max(1, len(points))
    every = -(-len(points) // _MOST_TICKS)
    found = []
    for place, point in enumerate(points):
        height = scale.height(point.value)
        below = point.value < 0
        named, behind = divmod(len(points) - 1 - place, every)
        found.append(
            Bar(
                x=_LEFT + place * step,
                y=scale.axis if below else scale.axis - height,
                width=step,
                height=height,
                level=scale.axis + height if below else scale.axis - height,
                label=when(point.start),
                value=written(point.value),
                tick=None if behind else tick(point.start),
                spare=named % 2 == 1,
            )
        )
    return tuple(found)
