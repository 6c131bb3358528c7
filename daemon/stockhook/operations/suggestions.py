"""What a code may have been meant to be: near misses by case, spaces, dashes and edit distance (strategies.md 2)."""

from collections.abc import Iterable
from typing import Final

from stockhook.model import Alias, Item, Unit, fold
from stockhook.operations.due import every
from stockhook.store import Range, Read

MOST: Final = 3
_LETTERS_PER_SLIP: Final = 4
_MOST_SLIPS: Final = 3
_NEWEST: Final = 5_000
"""Units among which a lot, or a serial number, is looked for that may have been meant."""


def suggest(view: Read, code: str) -> list[str]:
    """Return the skus that an unknown code may mean, nearest first; those of aliases that look like it included."""
    meanings = {item.sku: item.sku for item in every(view, Item)}
    meanings |= {alias.written: alias.sku for alias in every(view, Alias) if alias.sku is not None}
    return list(dict.fromkeys(meanings[name] for name in near(code, meanings, most=MOST * 2)))[:MOST]


def newest(view: Read, what: str) -> list[str]:
    """Return the ``lot`` or ``serial`` of the newest units, each once: what a person has in hand came of late."""
    last = view.find(Unit, most=1)
    among = {"id": Range(low=last[0].id - _NEWEST)} if last else {}
    return [str(total.by[0]) for total in view.totals(Unit, by=(what,), where=among) if total.by[0] is not None]


def near(code: str, names: Iterable[str], most: int = MOST) -> list[str]:
    """Return at most ``most`` of ``names`` that a person may have meant by ``code``, nearest first."""
    wanted = _bare(code)
    if not wanted:
        return []
    allowed = min(_MOST_SLIPS, max(1, len(wanted) // _LETTERS_PER_SLIP))
    found = []
    for name in names:
        bare = _bare(name)
        if abs(len(bare) - len(wanted)) > allowed:
            continue
        slips = _distance(wanted, bare, allowed)
        if slips <= allowed:
            found.append((slips, fold(name) != fold(code), abs(len(name) - len(code)), name))
    return [name for *_, name in sorted(found)[:most]]


def did_you_mean(names: list[str]) -> str:
    """Return ``"; did you mean A or B?"``, or nothing where there is no near miss."""
    return f"; did you mean {' or '.join(names)}?" if names else ""


def _bare(code: str) -> str:
    """Return a code without what people write differently: case, spaces, dashes, dots, underscores, slashes."""
    return "".join(char for char in fold(code) if char.isalnum()) or fold(code)


def _distance(one: str, other: str, most: int) -> int:
    """Return how many slips (a letter more, less, other, or two swapped) lie between, at most ``most`` + 1."""
    if one == other:
        return 0
    before: list[int] = []
    row = list(range(len(other) + 1))
    for n, letter in enumerate(one, 1):
        older, before, row = before, row, [n]
        for m, against in enumerate(other, 1):
            cost = min(before[m] + 1, row[m - 1] + 1, before[m - 1] + (letter != against))
            if n > 1 and m > 1 and letter == other[m - 2] and one[n - 2] == against:
                cost = min(cost, older[m - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return row[-1]
