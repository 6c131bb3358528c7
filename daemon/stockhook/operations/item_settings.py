"""What a person changes of an item that exists: its name, its shelf life, its mark, that no more comes."""

from dataclasses import dataclass, replace
from typing import Any, Final

from stockhook.errors import Refused
from stockhook.model import Item, Unit
from stockhook.operations.desk import Desk
from stockhook.operations.due import every, make_due
from stockhook.operations.items import checked_name, known_item
from stockhook.operations.kits import waiting_for
from stockhook.quantity import Quantity, text
from stockhook.store import Range, Read

LONGEST_LIFE: Final = 36_500
"""Days; a hundred years are more than any goods need."""


@dataclass(frozen=True, slots=True)
class Changed:
    """The item as it is now, what of it is in stock, and how many orders are worked again because of the change."""

    item: Item
    in_stock: Quantity
    due: int = 0


def change(
    desk: Desk,
    sku: str,
    *,
    name: str | None = None,
    min_shelf_life_days: int | None = None,
    as_strategy_says: bool = False,
    reorder_at: Quantity | None = None,
    no_mark: bool = False,
) -> Changed:
    """Change what is given of an item; ``as_strategy_says`` takes its own shelf life away, ``no_mark`` its mark.

    Orders that wait for the item are worked again where goods may be used that were too old before. Raises NotFound
    or Refused, with nothing changed.
    """
    if name is None and min_shelf_life_days is None and reorder_at is None and not (as_strategy_says or no_mark):
        raise Refused("nothing to change; give a name, a shelf life (--min-shelf-life) or a mark (--reorder-at)")
    if reorder_at is not None and reorder_at < 0:
        raise Refused("a mark below 0 is never reached; give 0 or more, or none")
    if min_shelf_life_days is not None and not 0 <= min_shelf_life_days <= LONGEST_LIFE:
        raise Refused(f"a shelf life of {min_shelf_life_days} days cannot be; give 0 to {LONGEST_LIFE} days")
    changes: dict[str, Any] = {}
    details: dict[str, str] = {}
    if name is not None:
        changes["name"] = details["name"] = checked_name(name)
    if min_shelf_life_days is not None or as_strategy_says:
        changes["min_shelf_life_days"] = None if as_strategy_says else min_shelf_life_days
        details["min_shelf_life_days"] = "as the strategy says" if as_strategy_says else str(min_shelf_life_days)
    if reorder_at is not None or no_mark:
        changes["reorder_at"] = None if no_mark else reorder_at
        details["reorder_at"] = "none" if no_mark or reorder_at is None else text(reorder_at)
    with desk.store.read() as view:
        known = known_item(view, sku)
        if replace(known, **changes) == known:
            return Changed(known, _in_stock(view, known))
    with desk.changing("items set", known.sku, **details) as work:
        before = known_item(work, known.sku)
        after = replace(before, **changes)
        work.save([after])
        due = 0
        if after.min_shelf_life_days != before.min_shelf_life_days:
            due = make_due(desk, work, waiting_for(desk, work, {after.sku}))
        return Changed(after, _in_stock(work, after), due)


def retire(desk: Desk, sku: str, *, retired: bool = True) -> Changed:
    """Have no more of an item be received (or, not ``retired``, again); what is left of it is used up as before.

    Raises NotFound or Refused, with nothing changed.
    """
    with desk.store.read() as view:
        known = known_item(view, sku)
    with desk.changing("items retire" if retired else "items retire --undo", known.sku) as work:
        before = known_item(work, known.sku)
        if before.retired is retired:
            state = "was retired before" if retired else "is not retired"
            raise Refused(f"{before.sku} {state}; nothing was changed")
        after = replace(before, retired=retired)
        work.save([after])
        return Changed(after, _in_stock(work, after))


def _in_stock(view: Read, item: Item) -> Quantity:
    return sum(unit.quantity for unit in every(view, Unit, {"sku": item.sku, "quantity": Range(low=1)}))
