"""One row of the table: a figure, what it must reach, whether it does, and the measurements it is made of."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Side:
    """What one server, or one loop, did: the middle of the rounds. None is what was not measured.

    ``mib`` is the memory of all its processes together, in MiB: pages that several share count once. ``cpu_ms`` is
    their processor time for each request, working what was taken in included: it varies least where others use the
    machine.
    """

    name: str
    per_second: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    mib: float | None = None
    note: str = ""
    cpu_ms: float | None = None
    p95_ms: float | None = None

    @property
    def words(self) -> str:
        """Return it as one line."""
        told = (
            ("", self.per_second, "/s"),
            ("p50 ", self.p50_ms, " ms"),
            ("p95 ", self.p95_ms, " ms"),
            ("p99 ", self.p99_ms, " ms"),
            ("", self.mib, " MiB"),
            ("", self.cpu_ms, " ms of CPU each"),
        )
        parts = [f"{before}{short(value)}{unit}" for before, value, unit in told if value is not None]
        return ", ".join([*parts, self.note] if self.note else parts)


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured: ``value`` in ``unit``; ``least`` or ``most`` is its bar, neither where it is only told.

    ``sides`` are what a ratio was made from, the first to the second; ``spread`` is its smallest and largest of all
    rounds, which shows how quiet the machine was; ``note`` says what was done.
    """

    name: str
    value: float
    unit: str = ""
    least: float | None = None
    most: float | None = None
    note: str = ""
    sides: tuple[Side, ...] = ()
    spread: tuple[float, float] | None = None

    @property
    def ok(self) -> bool:
        """Tell whether the bar is reached; what has none is always well."""
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)

    @property
    def bar(self) -> str:
        """Return the bar in words."""
        if self.least is not None:
            return f"at least {short(self.least)}"
        return "" if self.most is None else f"at most {short(self.most)}"


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as plain text: a line each, what it is made of below it."""
    rows = [("what", "figure", "the bar", "", "rounds")]
    rows += [
        (each.name, f"{short(each.value)} {each.unit}".rstrip(), each.bar, _verdict(each), _spread(each))
        for each in figures
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for at, row in enumerate(rows):
        lines.append("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        if at:
            lines += _below(figures[at - 1])
    return "\n".join(lines)


def as_json(figures: Sequence[Figure], machine: str) -> str:
    """Return the figures as JSON."""
    rows: list[dict[str, Any]] = [{**asdict(each), "ok": each.ok} for each in figures]
    return json.dumps({"ok": all(each.ok for each in figures), "machine": machine, "figures": rows}, indent=2)


def short(value: float) -> str:
    """Return a number with as many places as it needs to be read."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _below(figure: Figure) -> list[str]:
    width = max((len(side.name) for side in figure.sides), default=0)
    lines = [f"    {side.name.ljust(width)}  {side.words}" for side in figure.sides]
    return [*lines, f"    {figure.note}"] if figure.note else lines


def _spread(figure: Figure) -> str:
    return "" if figure.spread is None else f"{short(figure.spread[0])} to {short(figure.spread[1])}"


def _verdict(figure: Figure) -> str:
    if figure.least is None and figure.most is None:
        return ""
    return "ok" if figure.ok else "MISSED"
