"""CSV as spreadsheets write and read it: with or without a byte order mark, comma or semicolon, rows with their line.

In what we write, a text cell that a spreadsheet would take for a formula gets a leading apostrophe; reading takes the
apostrophe away again (design.md section 8).
"""

import csv
import io
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from stockhook.errors import NotFound, Refused, StockhookError
from stockhook.operations.suggestions import did_you_mean, near

Value = TypeVar("Value")

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
MOST_FAULTS: Final = 1000

_BEHIND_A_BREAK: Final = re.compile(r"""(?<=[;\t\r\n])(?=['\s"]*[=+\-@])""")
_ARMOUR: Final = re.compile(r"""(?<=[;\t\r\n])'(?=['\s"]*[=+\-@])""")


@dataclass(slots=True)
class Row:
    """One row: its cells by column, trimmed, and the line of the file it begins on. ``faults`` grows as it is read."""

    line: int
    cells: Mapping[str, str]
    faults: list[str] = field(default_factory=list)

    def text(self, column: str) -> str | None:
        """Return a cell, or None for one that is empty or whose column the file does not have."""
        return self.cells.get(column) or None

    def read(self, column: str, parse: Callable[[str], Value]) -> Value | None:
        """Return what ``parse`` makes of a cell, None for an empty one; what it raises becomes a fault of the row."""
        written = self.text(column)
        if written is None:
            return None
        try:
            return parse(written)
        except (StockhookError, ValueError) as error:
            self.fault(f"{column}: {error}")
            return None

    def fault(self, words: str) -> None:
        """Note what is wrong with the row."""
        self.faults.append(words)


def read_file(path: Path) -> bytes:
    """Return the bytes of a file; raises NotFound or Refused with what is wrong about it."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}") from None
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}") from None


def rows(
    data: bytes, required: Sequence[str], optional: Collection[str], name: str, instead: Sequence[str] = ()
) -> list[Row]:
    """Return the rows of a CSV file with a header; blank lines are passed over.

    ``instead`` are the columns of another form that such a file may have, which one with a wrong header is told of.
    Raises Refused for a file that is no UTF-8, or whose header lacks a required column or has one nobody knows.
    """
    written = _decode(data, name)
    first = written.split("\n", 1)[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    reader = csv.reader(io.StringIO(written, newline=""), delimiter=delimiter, strict=True)
    try:
        header = _header(next(reader, []), required, optional, name, instead)
        return list(_rows(reader, header))
    except csv.Error as error:
        raise Refused(f"{name} line {reader.line_num}: {error}; nothing was changed") from None


def refuse_faults(found: Iterable[Row], name: str) -> None:
    """Raise Refused if rows have faults, with a line for each of them."""
    faults = [f"{name} line {row.line}: {fault}" for row in found for fault in row.faults]
    if faults:
        more = len(faults) - MOST_FAULTS
        told = [*faults[:MOST_FAULTS], f"... and {more} more"] if more > 0 else faults
        raise Refused("\n".join([*told, "nothing was changed: all rows are taken or none"]))


def write_lines(path: Path, found: Iterable[str], progress: Callable[[int], None] = lambda _: None) -> int:
    """Write lines to a new file that only its owner may read, and return how many; an existing file is refused."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Refused(f"{path} exists; name another file, or remove that one first") from None
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}") from None
    count = 0
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        for line in found:
            file.write(line)
            progress(1)
            count += 1
    return count


def lines(columns: Sequence[str], found: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a CSV file, the header first."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(columns)
    yield _taken(buffer)
    for cells in found:
        writer.writerow(cells)
        yield _taken(buffer)


def armoured(cell: str) -> str:
    """Return a text cell so that no spreadsheet takes it, or a part of it, for a formula.

    Where a comma is the decimal sign, spreadsheets split at semicolons, whatever quotes say; some do at tabs.
    """
    inside = _BEHIND_A_BREAK.sub("'", cell)
    return f"'{inside}" if inside.startswith(FORMULA) else inside


def _taken(buffer: io.StringIO) -> str:
    line = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return line


def _decode(data: bytes, name: str) -> str:
    try:
        written = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Refused(f"{name} line {line}: not UTF-8; save the file as CSV UTF-8. Nothing was changed") from None
    if "\0" in written:
        line = written.count("\n", 0, written.index("\0")) + 1
        raise Refused(f"{name} line {line}: holds a zero byte, so it is no CSV file. Nothing was changed")
    return written


def _header(
    cells: list[str], required: Sequence[str], optional: Collection[str], name: str, instead: Sequence[str]
) -> list[str]:
    header = [cell.strip().casefold() for cell in cells]
    while header and not header[-1]:
        header.pop()
    known = [*required, *optional]
    faults = [f"the column {column} is missing" for column in required if column not in header]
    faults += [
        f"the column {cell!r} is not known{did_you_mean(near(cell, known))}" for cell in header if cell not in known
    ]
    faults += [f"the column {cell} is there twice" for cell in dict.fromkeys(header) if header.count(cell) > 1]
    if faults:
        columns = ", ".join(required)
        columns += f", and if wanted {', '.join(optional)}" if optional else ""
        columns += f"; or {', '.join(instead)}" if instead else ""
        told = [*(f"{name} line 1: {fault}" for fault in faults), f"the first line names the columns: {columns}"]
        raise Refused("\n".join(told))
    return header


def _rows(reader: Any, header: list[str]) -> Iterator[Row]:
    line = reader.line_num + 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            row = Row(line, dict(zip(header, map(_plain, cells), strict=False)))
            if len(cells) != len(header) and any(cell.strip() for cell in cells[len(header) :]):
                row.fault(f"has {len(cells)} cells where the header has {len(header)}; is one not in quotes?")
            yield row
        line = reader.line_num + 1


def _plain(cell: str) -> str:
    trimmed = cell.strip()
    bare = trimmed[1:] if trimmed.startswith("'") and trimmed[1:].startswith(FORMULA) else trimmed
    return _ARMOUR.sub("", bare)
