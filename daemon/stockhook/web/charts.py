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
    """One value: where it stands, in the units of the drawing, and what a person reads of it."""

    x: float
    y: float
    width: float
    height: float
    label: str
    value: str
    tick: str | None


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing of ``bars``; ``line`` connects their tops instead, ``highest`` is what the top of it stands for."""

    name: str
    title: str
    summary: str
    what: tuple[str, str]
    bars: tuple[Bar, ...]
    highest: str
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
    laid = _laid(points, written, when, tick)
    most = max((point.value for point in points), default=0)
    total = written(sum(point.value for point in points))
    last = points[-1]
    summary = f"{total} in all, at most {written(most)}; {written(last.value)} {when(last.start)}."
    return Chart(name, title, summary, what, laid, written(most))


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
    laid = _laid(points, written, when, tick)
    most, least = max(point.value for point in points), min(point.value for point in points)
    path = " ".join(
        f"{'L' if place else 'M'}{bar.x:.1f} {bar.y:.1f} H{bar.x + bar.width:.1f}" for place, bar in enumerate(laid)
    )
    foot = HEIGHT - _FOOT
    area = f"{path} V{foot} H{laid[0].x:.1f} Z"
    summary = f"Between {written(least)} and {written(most)}; {written(points[-1].value)} now."
    return Chart(name, title, summary, what, laid, written(most), path, area)


def _laid(
    points: Sequence[Point],
    written: Callable[[int], str],
    when: Callable[[datetime], str],
    tick: Callable[[datetime], str],
) -> tuple[Bar, ...]:
    most = max((point.value for point in points), default=0)
    room = HEIGHT - _TOP - _FOOT
    step = (WIDTH - 2 * _LEFT) / max(1, len(points))
    every = -(-len(points) // _MOST_TICKS)
    found = []
    for place, point in enumerate(points):
        height = room * max(point.value, 0) / most if most > 0 else 0.0
        named = (len(points) - 1 - place) % every == 0
        found.append(
            Bar(
                x=_LEFT + place * step,
                y=HEIGHT - _FOOT - height,
                width=step,
                height=height,
                label=when(point.start),
                value=written(point.value),
                tick=tick(point.start) if named else None,
            )
        )
    return tuple(found)
