"""Arguments and options that several commands take: quantities, moments, days, how many rows of a list."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import click

from stockhook.cli.context import Context
from stockhook.errors import StockhookError
from stockhook.model import NEW
from stockhook.operations.calendar import day, day_or_moment, moment
from stockhook.operations.stock.details import MOST_PRIORITY
from stockhook.operations.stock_import import cost
from stockhook.operations.words import checked
from stockhook.quantity import parse
from stockhook.store import FOREVER

F = TypeVar("F", bound=Callable[..., Any])
Found = TypeVar("Found")

DEFAULT_LIMIT: Final = 1000


if TYPE_CHECKING:
    _ParamType = click.ParamType[Any]
else:
    _ParamType = click.ParamType  # generic only since click 8.4


class Parsed(_ParamType):
    """A value that one of our own functions reads; what it raises is wrong usage."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return what the text means."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except (StockhookError, ValueError) as error:
            self.fail(str(error), param, ctx)


def _filled(written: str) -> str:
    if not written.strip():
        raise ValueError("the text is empty; leave the option out, or give it a value")
    return checked("text", written)


def _yes(written: str) -> bool:
    if written.casefold() not in ("yes", "no"):
        raise ValueError(f"{written!r} is neither yes nor no")
    return written.casefold() == "yes"


def _part(written: str) -> tuple[str, int]:
    sku, equals, quantity = written.rpartition("=")
    if not equals or not sku.strip():
        raise ValueError(f"{written!r} is no part of a kit; write it like SOAP=2")
    return sku.strip(), parse(quantity)


def _shelf_life(written: str) -> int:
    if written.casefold() == "none":
        return AS_STRATEGY_SAYS
    if not written.isascii() or not written.isdigit():
        raise ValueError(f"{written!r} is no number of days; write it like 30, or none")
    return int(written)


def _mark(written: str) -> int:
    return NO_MARK if written.casefold() == "none" else parse(written)


NO_MARK: Final = -1
"""As the mark of an item: it has none."""
AS_STRATEGY_SAYS: Final = -1
"""As days of shelf life: the item has none of its own."""

QUANTITY: Final = Parsed("quantity", parse)
COST: Final = Parsed("cost", cost)
MOMENT: Final = Parsed("time", moment)
DAY: Final = Parsed("day", day)
DAY_OR_MOMENT: Final = Parsed("time", day_or_moment)
"""For what holds up to a moment, where a day means its end: ``calendar.end``."""
TEXT: Final = Parsed("text", _filled)
YES: Final = Parsed("yes|no", _yes)
PART: Final = Parsed("part=qty", _part)
NUMBER: Final = click.IntRange(1, NEW - 1)
PRIORITY: Final = click.IntRange(-MOST_PRIORITY, MOST_PRIORITY)
SHELF_LIFE: Final = Parsed("days", _shelf_life)
MARK: Final = Parsed("quantity", _mark)
FILE: Final = click.Path(path_type=Path, dir_okay=False)


def listing(function: F) -> F:
    """Add ``--limit`` and ``--all`` to a command that lists."""
    function = click.option("--all", "everything", is_flag=True, help="List everything.")(function)
    return click.option(
        "--limit", type=click.IntRange(min=1), metavar="N", help=f"At most so many, newest first [{DEFAULT_LIMIT}]."
    )(function)


def asked_for(limit: int | None, *, everything: bool) -> int:
    """Return how many records a list should read: one more than it shows, to know that there is more."""
    if limit is None:
        return FOREVER if everything else DEFAULT_LIMIT + 1
    return limit + 1


def shown(found: Sequence[Found], most: int) -> Sequence[Found]:
    """Return the records that a list shows; a person is told on stderr that there are more."""
    if len(found) < most:
        return found
    click.echo(f"the newest {most - 1}; there are more: --limit N or --all", err=True)
    return found[: most - 1]


@contextmanager
def progress(context: Context, label: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show a bar while something long runs on a terminal; the function it hands out hears how many more are done."""
    if context.json or not sys.stderr.isatty():
        yield lambda _: None
        return
    with _bar() as bar:
        task = bar.add_task(label, total=total)
        yield lambda more: bar.advance(task, more)


class Stage(Protocol):
    """Hears which stage of something long has done how much, of how much where that is known."""

    def __call__(self, name: str, done: int, total: int | None = None) -> None:
        """Show it."""


def _untold(name: str, done: int, total: int | None = None) -> None:
    """Show nothing."""


@contextmanager
def stages(context: Context) -> Iterator[Stage]:
    """Show how far which of several stages is."""
    if context.json or not sys.stderr.isatty():
        yield _untold
        return
    with _bar() as bar:
        task = bar.add_task("", total=None)

        def show(name: str, done: int, total: int | None = None) -> None:
            bar.update(task, description=name, completed=done, total=total)

        yield show


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}"))
    return Progress(*columns, console=Console(stderr=True), transient=True)
