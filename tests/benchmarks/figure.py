"""One row of the table: a figure, what it must reach, and whether it does."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured: ``value`` in ``unit``; ``least`` or ``most`` is its bar, neither where it is only told.

    ``note`` says what it is made of.
    """

    name: str
    value: float
    unit: str
    least: float | None = None
    most: float | None = None
    note: str = ""

    @property
    def ok(self) -> bool:
        """Tell whether the bar is reached; what has none is always well."""
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)

    @property
    def bar(self) -> str:
        """Return the bar in words."""
        if self.least is not None:
            return f"at least {_short(self.least)}"
        return "" if self.most is None else f"at most {_short(self.most)}"


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as plain text, one line each."""
    rows = [("what", "figure", "the bar", "", "of what")]
    rows += [
        (each.name, f"{_short(each.value)} {each.unit}".rstrip(), each.bar, _verdict(each), each.note)
        for each in figures
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def as_json(figures: Sequence[Figure], machine: str) -> str:
    """Return the figures as JSON."""
    rows: list[dict[str, Any]] = [{**asdict(each), "ok": each.ok} for each in figures]
    return json.dumps({"ok": all(each.ok for each in figures), "machine": machine, "figures": rows}, indent=2)


def _verdict(figure: Figure) -> str:
    if figure.least is None and figure.most is None:
        return ""
    return "ok" if figure.ok else "MISSED"


def _short(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
