"""An item that gets another sku: its goods, codes and kits go over to a new item, and its history stays where it is.

The ledger says for ever under which sku something was booked. So a rename is a new item; what lies there is moved to it
unit by unit, with lot, dates and cost, and the old sku becomes a code that means the new one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from stockhook.batch import Batch
from stockhook.errors import Refused
from stockhook.model import Alias, Booking, Count, Item, Kit, Location, Movement, MovementKind, OrderKey, Unit, fold
from stockhook.operations.desk import Desk
from stockhook.operations.due import every, make_due, waiting_on_code, waiting_orders
from stockhook.operations.items import checked_sku, find_item, known_item
from stockhook.operations.posting import Change, post
from stockhook.operations.successors import RENAME, carried, meaning
from stockhook.quantity import ONE, Quantity, counted, text
from stockhook.store import FOREVER, Match, Read, Work


@dataclass(frozen=True, slots=True)
class Renamed:
    """The old item and the new one, how much went over in how many units, and the kits whose parts were changed."""

    old: Item
    new: Item
    quantity: Quantity
    units: int
    kits: tuple[str, ...]


def rename(desk: Desk, old: str, new: str) -> Renamed:
    """Give an item another sku; said again later, it brings over what came back under the old one since.

    Lines that were booked before stay with the old sku. A rename is taken back by renaming back. Raises NotFound or
    Refused, with nothing changed.
    """
    sku = checked_sku(new)
    with desk.store.read() as view:
        before, after = _both(view, old, sku)
    if fold(sku) == fold(before.sku):
        raise Refused(f"{before.sku} and {sku} are the same code: case and spaces make no difference")
    goods: list[Unit] = []
    kits: list[Kit] = []

    def prepare(work: Work, batch: Batch) -> Change:
        _check(work, before, after)
        goods[:] = [unit for unit in work.units({before.sku}).units if unit.quantity > 0]
        units, movements = _moved(desk, batch, goods, after)
        booking = Booking(units=tuple(units), movements=tuple(movements))
        return Change(booking, locations=_places(work, goods), told=lambda _: records(work))

    def records(work: Work) -> tuple[Any, ...]:
        """Return what is saved beside the goods, read behind the first write: no version covers it."""
        nonlocal before, after
        quantity = sum(unit.quantity for unit in goods)
        work.save([desk.audit(RENAME, before.sku, to=after.sku, quantity=text(quantity))])
        before, after = _both(work, before.sku, after.sku)
        _check(work, before, after)
        kits[:] = _kits(work, before, after)
        aliases = _aliases(work, before, after)
        return (after, replace(before, retired=True), *aliases, *kits, *_counts(work, before, after))

    def result(work: Work, _: tuple[OrderKey, ...]) -> Renamed:
        work.forget([*work.find(Kit, {"sku": before.sku}), *_codes(work, after.sku)])
        work.save(_unit_counts(work, goods))
        make_due(desk, work, waiting_on_code(work, fold(after.sku)))
        changed = tuple(sorted(kit.sku for kit in kits))
        return Renamed(before, after, sum(unit.quantity for unit in goods), len(goods), changed)

    return post(desk, {before.sku, after.sku}, prepare, result, settle=True)


def _both(view: Read, old: str, new: str) -> tuple[Item, Item]:
    """Return the item that gets another sku, and what it is to be then; raises NotFound."""
    before = known_item(view, old)
    return before, replace(find_item(view, new) or replace(before, sku=new), retired=False)


def _check(work: Work, before: Item, after: Item) -> None:
    meant = meaning(work, before.sku)
    again = before.retired and meant is not None and meant.sku == after.sku
    known = find_item(work, after.sku)
    renamed = meaning(work, known.sku) if known is not None and known.retired else None
    back = renamed is not None and renamed.sku == before.sku
    if known is not None and not again and not back:
        raise Refused(f"the item {after.sku} exists already; two items cannot become one. Nothing was changed")
    if not again and meant is not None:
        means = f"means {text(meant.factor)} x {meant.sku}" if meant.sku else "is ignored"
        raise Refused(f"the code {before.sku} {means}, and cannot come to mean {after.sku}; nothing was changed")
    for alias in _codes(work, after.sku):
        if (alias.sku, alias.factor) != (before.sku, ONE):
            means = f"means {text(alias.factor)} x {alias.sku}" if alias.sku else "is ignored"
            raise Refused(f"the code {after.sku} {means}: it cannot be the sku of another item; nothing was changed")
    owed = waiting_orders(work, {before.sku})
    if owed:
        names = ", ".join(sorted(key.order_id for key in owed)[:3])
        orders = counted(len(owed), "order", "orders")
        raise Refused(
            f"{before.sku} is owed to {orders} ({names}), booked under that sku: receive it, count "
            "the shelf, or waive what will never come (stockhook problems list) before it is renamed"
        )


def _codes(view: Read, sku: str) -> list[Alias]:
    return view.find(Alias, {"code": fold(sku)}, most=FOREVER)


def _aliases(view: Read, before: Item, after: Item) -> list[Alias]:
    """Return what means the old item, meaning the new one, and the old sku as a code of its own."""
    others = [replace(alias, sku=after.sku) for alias in view.find(Alias, {"sku": before.sku}, most=FOREVER)]
    return [*others, Alias("", fold(before.sku), before.sku, after.sku, ONE)]


def _kits(view: Read, before: Item, after: Item) -> list[Kit]:
    """Return the kits that are the old item, or have it as a part, with the new one in its place."""
    changed = []
    for kit in every(view, Kit):
        parts = tuple(replace(part, sku=_renamed(part.sku, before, after)) for part in kit.parts)
        other = Kit(_renamed(kit.sku, before, after), parts, kit.policy)
        if other != kit:
            changed.append(other)
    return changed


def _renamed(sku: str, before: Item, after: Item) -> str:
    return after.sku if fold(sku) == fold(before.sku) else sku


def _moved(desk: Desk, batch: Batch, goods: Sequence[Unit], after: Item) -> tuple[list[Unit], list[Movement]]:
    units: list[Unit] = []
    movements: list[Movement] = []
    for unit in goods:
        made = replace(unit, id=next(batch.ids), sku=after.sku, quantity=0)
        units.append(made)
        movements += carried(desk, batch.ids, unit, made)
    return units, movements


def _places(view: Read, goods: Sequence[Unit]) -> tuple[Location, ...]:
    return tuple(view.find(Location, {"path": frozenset(unit.location for unit in goods)}, most=FOREVER))


def _counts(view: Read, before: Item, after: Item) -> list[Any]:
    """Return the counts of the old item's shelves, for what shipped before them and is booked under the new sku."""
    known = {count.location: count for count in view.find(Count, {"sku": after.sku, "unit_id": 0}, most=FOREVER)}
    counts = view.find(Count, {"sku": before.sku, "unit_id": 0}, most=FOREVER)
    return [replace(count, sku=after.sku) for count in counts if count.location not in known]


def _unit_counts(view: Read, goods: Sequence[Unit]) -> list[Count]:
    """Return the counts of single units, of those that they have become."""
    counts = []
    for unit in goods:
        for count in view.find(Count, {"sku": unit.sku, "location": unit.location, "unit_id": unit.id}):
            where: dict[str, Match] = {"unit_id": unit.id, "kind": MovementKind.TRANSFER_OUT}
            out = view.find(Movement, where, most=1)[0]
            into = view.find(Movement, {"reverses": out.id, "kind": MovementKind.TRANSFER_IN}, most=1)[0]
            counts.append(replace(count, sku=into.sku, unit_id=into.unit_id))
    return counts
