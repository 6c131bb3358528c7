"""Which line of an order an item index means, where an edit has shifted the indexes (strategies.md section 1).

An edit that removes a line shifts the indexes behind it. Once that is seen, the lines are keyed anew, and the order
remembers it: a snapshot from before has its indexes read as they were meant in its time. Only a snapshot newer than
all that is known of the order keys anew, so that neither a repeat nor one that comes late does. One that comes late,
from between the last with the old indexes and the first with the new ones, tells by its codes which it has.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from stockhook.model import How, Line, Order, Rekeying, Said, SnapshotLine, fold
from stockhook.record import record, replace

Meaning = Callable[[str], Hashable]
"""Tells what a code means, so that two codes that mean the same compare equal."""

Shown = tuple[SnapshotLine, ...]


@record(frozen=True, slots=True)
class Keyed:
    """The same order and lines under the indexes to be used now, and a snapshot's lines under those as well.

    ``changes`` are those to the order.
    """

    lines: tuple[Line, ...]
    shown: Shown
    changes: dict[str, Any]


def keyed(order: Order, lines: tuple[Line, ...], shown: Shown, said: Said, meaning: Meaning) -> Keyed:
    """Bring an order's lines, and what a snapshot shows, under the same indexes; ``order`` as before the snapshot."""
    if said > order.said:
        return _keyed_anew(order, lines, shown, said, meaning)
    if order.rekeyed and said < order.rekeyed[-1].said:
        return _read_in_its_time(order, lines, shown, said, meaning)
    return Keyed(lines, shown, {})


# --- a newer snapshot ---


def _keyed_anew(order: Order, lines: tuple[Line, ...], shown: Shown, said: Said, meaning: Meaning) -> Keyed:
    """Give booked lines the indexes under which a newer snapshot lists the same goods.

    When a bound line's index suddenly means another item, but the snapshot's (item, quantity) pairs are those already
    known (all of them, or a part), the lines keep their bookings under the new indexes; a line that has no place any
    more is left with quantity 0. While an earlier conflict waits for a person, nobody can tell what is known.
    """
    listed = {line.item_index: line for line in shown}
    same = Keyed(lines, shown, {})
    if not any(_other(line, listed.get(line.item_index), meaning) for line in lines if line.binding):
        return same
    if any(_other(line, line, meaning) for line in lines if line.binding):
        return same
    known = Counter((_means(line, meaning), line.quantity) for line in lines)
    wanted = Counter((meaning(line.code), line.quantity) for line in shown)
    if not (wanted <= known or known <= wanted):
        return same
    placed, free = _placed(lines, shown, meaning)
    spare = sorted({line.item_index for line in lines} - set(listed))
    for line in free:
        if line.item_index in spare:
            spare.remove(line.item_index)
            placed[line.number] = line.item_index
    # displaced lines are no more than the old indexes left over: what is listed is a part of what was known
    left = [line for line in free if line.number not in placed]
    placed |= {line.number: index for line, index in zip(left, spare, strict=True)}
    moves = tuple((ln.item_index, placed[ln.number]) for ln in lines if ln.item_index != placed[ln.number])
    rekeying = Rekeying(said, order.said, moves, tuple(line.number for line in left))
    moved = dict(moves)
    result = [
        replace(
            line,
            item_index=placed[line.number],
            parent_index=moved.get(line.parent_index, line.parent_index) if line.parent_index is not None else None,
        )
        for line in lines
    ]
    result = [replace(line, quantity=0) if line.number in rekeying.left else line for line in result]
    words = "lines keyed anew: " + ", ".join(f"{old} to {new}" for old, new in moves)
    return Keyed(tuple(result), shown, {"history": (*order.history, words), "rekeyed": (*order.rekeyed, rekeying)})


def _placed(lines: Sequence[Line], shown: Shown, meaning: Meaning) -> tuple[dict[int, int], list[Line]]:
    """Return by number the index of each line whose goods are listed, and the lines whose are not."""
    free = list(lines)
    placed: dict[int, int] = {}
    for entry in sorted(shown, key=lambda line: line.item_index):
        same = [ln for ln in free if (_means(ln, meaning), ln.quantity) == (meaning(entry.code), entry.quantity)]
        if same:
            chosen = min(same, key=lambda line: (line.item_index != entry.item_index, line.number))
            free.remove(chosen)
            placed[chosen.number] = entry.item_index
    return placed, free


# --- an older snapshot ---


def _read_in_its_time(order: Order, lines: tuple[Line, ...], shown: Shown, said: Said, meaning: Meaning) -> Keyed:
    """Have a snapshot from before a rekeying speak of the lines that it meant."""
    first = next(place for place, each in enumerate(order.rekeyed) if said < each.said)
    rekeying = order.rekeyed[first]
    by_index = {line.item_index: line for line in lines}
    before, rekeyed = _moved(shown, order.rekeyed, first, lines)
    if said <= rekeying.since:
        return Keyed(lines, before, {} if rekeyed == order.rekeyed else {"rekeyed": rekeyed})
    after, rekeyed_after = _moved(shown, order.rekeyed, first + 1, lines)
    agrees_before = [not _other(by_index.get(line.item_index), line, meaning) for line in before]
    agrees_after = [not _other(by_index.get(line.item_index), line, meaning) for line in after]
    if all(agrees_before):
        old = replace(rekeyed[first], since=said)
        return Keyed(lines, before, {"rekeyed": (*rekeyed[:first], old, *rekeyed[first + 1 :])})
    if all(agrees_after):
        new = replace(rekeyed_after[first], said=said)
        return Keyed(lines, after, {"rekeyed": (*rekeyed_after[:first], new, *rekeyed_after[first + 1 :])})
    return Keyed(lines, _what_agrees(after, agrees_after, before, agrees_before, by_index), {})


def _what_agrees(
    after: Shown, agrees_after: list[bool], before: Shown, agrees_before: list[bool], known: dict[int, Line]
) -> Shown:
    """Return the lines of a snapshot, of which nobody can tell which indexes it has, that mean what is known."""
    found: dict[int, SnapshotLine] = {}
    for readings, agrees in ((after, agrees_after), (before, agrees_before)):
        for line, agreed in zip(readings, agrees, strict=True):
            if agreed and line.item_index in known:
                found.setdefault(line.item_index, line)
    return tuple(found.values())


def _moved(
    shown: Shown, rekeyed: tuple[Rekeying, ...], first: int, lines: Sequence[Line]
) -> tuple[Shown, tuple[Rekeying, ...]]:
    """Return a snapshot's lines under today's indexes: those of before the rekeying number ``first`` are moved on.

    An index that named no line known then, and names another line now, gets one that is free; that is remembered. Of a
    line that has had no place since there is nothing left, whatever there was.
    """
    present = list(rekeyed)
    moved = {line.item_index: line.item_index for line in shown}
    taken = (
        {line.item_index for line in lines} | set(moved) | {i for each in rekeyed for move in each.moves for i in move}
    )
    for place in range(first, len(present)):
        moves = dict(present[place].moves)
        onto = set(moves.values())
        for index, now in moved.items():
            if now not in moves and now in onto:
                moves[now] = max(taken) + 1
                taken.add(moves[now])
                present[place] = replace(present[place], moves=(*present[place].moves, (now, moves[now])))
            moved[index] = moves.get(now, now)
    gone = {number for each in rekeyed[first:] for number in each.left}
    ended = {line.item_index for line in lines if line.number in gone}
    read = tuple(
        replace(
            line,
            item_index=moved[line.item_index],
            quantity=0 if moved[line.item_index] in ended else line.quantity,
            parent_index=moved.get(line.parent_index, line.parent_index) if line.parent_index is not None else None,
        )
        for line in shown
    )
    return read, tuple(present)


# --- what a line means ---


def _other(line: Line | None, shown: SnapshotLine | Line | None, meaning: Meaning) -> bool:
    """Tell whether what is shown under a line's index means another item than the line does."""
    if line is None or shown is None:
        return False
    code = fold(shown.code)
    bound = line.binding
    if code in line.refused or (bound is not None and code == fold(bound.code)):
        return False
    return meaning(shown.code) != _means(line, meaning)


def _means(line: Line, meaning: Meaning) -> Hashable:
    bound = line.binding
    if bound is None or not bound.parts:
        return meaning(line.code)
    return meaning(bound.code) if bound.how in (How.DEFINITION, How.STOCKED_FIRST) else bound.parts
