"""Prints what a command found: a table for a person, aligned text for a pipe, JSON with ``--json``.

Rows are mappings whose keys are the binding names of design.md section 8; every row has every key. Quantities come as
decimal text (``quantity.text``), because ids are whole numbers too.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, TypeAlias

import click

from stockhook.cli.context import Context

Row: TypeAlias = Mapping[str, object]


def rows(context: Context, found: Sequence[Row], columns: Sequence[str] = (), *, empty: str = "nothing found") -> None:
    """Print ``found``: with ``--json`` all of it, else its ``columns`` (all, where none are named)."""
    if context.json:
        _json([_row(row) for row in found])
        return
    if not found:
        click.echo(empty, err=True)
        return
    names = list(columns) or list(found[0])
    cells = [[text(row[name]) for name in names] for row in found]
    heads = [name.replace("_", " ") for name in names]
    right = [_is_number([row[name] for row in found]) for name in names]
    if sys.stdout.isatty():
        _rich_table(heads, cells, right)
    else:
        _plain_table(heads, cells, right)


def record(context: Context, found: Row) -> None:
    """Print one record: with ``--json`` as an object, else a line for each of its keys."""
    if context.json:
        _json(_row(found))
        return
    width = max(map(len, found), default=0)
    for name, value in found.items():
        click.echo(f"{name.replace('_', ' '):<{width}}  {text(value)}")


def section(context: Context, title: str, found: Sequence[Row], columns: Sequence[str] = ()) -> None:
    """Print ``found`` below a title, for a person; nothing where there is nothing."""
    if found:
        click.echo(f"\n{title}")
        rows(context, found, columns)


def done(context: Context, said: str, **fields: object) -> None:
    """Print what an action did: with ``--json`` its ``fields``, else the sentence ``said``."""
    if context.json:
        _json(_row(fields))
    else:
        click.echo(plain(said))


def text(value: object) -> str:
    """Return a value for a person; ``-`` for none."""
    match value:
        case None | "":
            return "-"
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        case list() | tuple():
            return ", ".join(text(part) for part in value) or "-"
    return plain(str(value))


def plain(written: str) -> str:
    """Return text without control characters: what a store sends must not steer a terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in written)


def _row(found: Row) -> dict[str, Any]:
    return {name: _jsonable(value) for name, value in found.items()}


def _jsonable(value: Any) -> Any:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case Mapping():
            return _row(value)
        case list() | tuple():
            return [_jsonable(part) for part in value]
    return value


def _json(found: object) -> None:
    click.echo(json.dumps(found, indent=2))


def _is_number(column: Sequence[object]) -> bool:
    """Tell whether a column is set to the right: there are numbers in it, and nothing else."""
    written = [cell for value in column if (cell := text(value)) != "-"]
    return bool(written) and all(cell.lstrip("-").replace(".", "", 1).isdecimal() for cell in written)


def _plain_table(heads: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[bool]) -> None:
    widths = [max(len(cell) for cell in column) for column in zip(heads, *cells, strict=True)]
    for line in (heads, *cells):
        padded = [
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(line, widths, right, strict=True)
        ]
        click.echo("  ".join(padded).rstrip())


def _rich_table(heads: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[bool]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for head, number in zip(heads, right, strict=True):
        table.add_column(head, justify="right" if number else "left", overflow="fold")
    for line in cells:
        table.add_row(*(Text(cell) for cell in line))
    Console().print(table)
