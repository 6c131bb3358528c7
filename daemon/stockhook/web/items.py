"""Items: what is stocked, how much of it lies where, and what moved."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from stockhook.model import Alias, Item, Kit, KitPolicy, Movement, Problem, ProblemState, Shortage, Unit, fold
from stockhook.operations.items import known_item
from stockhook.operations.kits import Rules, faults
from stockhook.operations.volume import Point
from stockhook.problems import stated
from stockhook.quantity import Quantity
from stockhook.store import FOREVER, Range, Read
from stockhook.web.charts import Chart, line
from stockhook.web.item_actions import AddItemAction
from stockhook.web.item_forms import adding, setting_forms
from stockhook.web.page import Page, Values
from stockhook.web.paging import PAGE, Listing, id_of, older_than
from stockhook.web.stock_forms import goods_forms
from stockhook.web.templates import amount

MOST_UNITS: Final = 500
"""Units and shortages that one page of an item lists."""


_TAKEN: Final = {
    KitPolicy.COMPONENTS: "Its parts are taken from stock",
    KitPolicy.PARENT: "The kit itself is taken from stock",
    KitPolicy.STOCKED_FIRST: "Finished kits are taken from stock while there are any, and its parts for the rest",
}


@dataclass(frozen=True, slots=True)
class Row:
    """An item in the list: how much there is, in how many units, and how much is owed to orders."""

    item: Item
    quantity: Quantity
    units: int
    owed: Quantity
    kit: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """A movement, and how much of the item there was behind it, over all units."""

    movement: Movement
    total: Quantity


class ItemsPage(AddItemAction):
    """The list of items by SKU, and the form that adds one."""

    async def get(self) -> None:
        """Show those that the search finds."""
        sought, after = self.asked("q"), self.asked("after")
        await self.show("items.html", lambda view: {**items(view, sought, after), "form": adding()})


class ItemPage(Page):
    """One item."""

    async def get(self, sku: str) -> None:
        """Show it."""
        before, empty = self.asked("before"), self.asked("empty") == "yes"
        rules, volume, now = self.site.desk.policies.rules, self.site.volume, self.site.desk.clock.now()

        def gather(view: Read) -> Values:
            shown = {**item(view, sku, before, empty=empty)}
            balance, below = shown["total"] + shown["below"], shown["below"] < 0
            shown["chart"] = (
                chart(volume.on_hand(view, shown["item"].sku, balance, now), less_owed=below)
                if shown["listing"].rows
                else None
            )
            kit = shown["kit"]
            if kit is None:
                return shown
            mine = [fault for fault in faults(view, rules) if fault.sku == kit.sku]
            return {**shown, "taken": taken(kit, rules), "faults": mine}

        await self.show("item.html", gather)


def chart(points: Sequence[Point], *, less_owed: bool) -> Chart:
    """Return the chart of how much there was of an item; ``less_owed``: what is booked below zero is taken off."""
    what = "On hand less what is owed" if less_owed else "On hand"
    return line(
        "on-hand",
        f"{what} in the last 30 days (UTC)",
        points,
        written=amount,
        when=lambda start: f"{start:%Y-%m-%d %H:%M}",
        tick=lambda start: f"{start.day} {start:%b}",
        what=("Moment (UTC)", what),
    )


def taken(kit: Kit, rules: Rules) -> list[str]:
    """Return in sentences which of a kit and its parts is taken from stock, per channel where these choose."""
    if kit.policy is not None:
        return [f"{_TAKEN[kit.policy]}."]
    chosen = {each.kits for each in rules.values()}
    if len(chosen) == 1:
        return [f"{_TAKEN[chosen.pop()]}."]
    return [
        f"For orders of {name}: {_TAKEN[each.kits][0].lower()}{_TAKEN[each.kits][1:]}." for name, each in rules.items()
    ]


def items(view: Read, sought: str, after: str) -> Values:
    """Return one page of the items whose SKU or name holds the words sought."""
    wanted = fold(sought)
    found = sorted(view.find(Item, most=FOREVER), key=_place)
    known = bool(found)
    found = [each for each in found if wanted in fold(each.sku) or wanted in fold(each.name)]
    if after:
        found = [each for each in found if _place(each) > (fold(after), after)]
    shown = found[:PAGE]
    skus = frozenset(each.sku for each in shown)
    filled = {"sku": skus, "quantity": Range(low=1)}
    units = {total.by[0]: total for total in view.totals(Unit, ("sku",), filled)}
    lacking = view.totals(Shortage, ("sku",), {"sku": skus, "open": Range(low=1)})
    owed = {total.by[0]: total.amount for total in lacking}
    kits = {kit.sku for kit in view.find(Kit, {"sku": skus}, most=FOREVER)}
    rows = []
    for each in shown:
        total = units.get(each.sku)
        quantity, count = (total.amount, total.count) if total else (0, 0)
        rows.append(Row(each, quantity, count, owed.get(each.sku, 0), each.sku in kits))
    more = shown[-1].sku if len(found) > PAGE else None
    return {"rows": rows, "q": sought, "more": more, "first": not after, "known": known}


def item(view: Read, sku: str, before: str, *, empty: bool) -> Values:
    """Return what the page of an item shows, ``empty``: with units that are used up; raises NotFound."""
    found = known_item(view, sku)
    mine = {"sku": found.sku}
    stock = view.units([found.sku])
    goods = [unit for unit in stock.units if not unit.suspense]
    below = [unit for unit in stock.units if unit.suspense and unit.quantity]
    units = view.find(Unit, mine, most=MOST_UNITS + 1) if empty else [*goods, *below]
    cut = len(units) > MOST_UNITS
    owed = view.find(Shortage, mine | {"open": Range(low=1)}, most=MOST_UNITS + 1)
    units.sort(key=lambda unit: (unit.location, str(unit.expires_on or "9"), unit.id))
    kits = view.find(Kit, most=FOREVER)
    about = {"state": ProblemState.OPEN, "subject": found.sku}
    places: Counter[str] = Counter()
    for unit in goods:
        places[unit.location] += unit.quantity
    return {
        "item": found,
        "places": sorted((path, quantity) for path, quantity in places.items() if quantity),
        "forms": goods_forms(view, found),
        "settings": setting_forms(found),
        "units": units[:MOST_UNITS],
        "empty": empty,
        "locations": stock.locations,
        "units_cut": MOST_UNITS if cut else None,
        "total": sum(unit.quantity for unit in goods),
        "held": sum(unit.quantity for unit in goods if unit.held),
        "below": sum(unit.quantity for unit in below),
        "owed": owed[:MOST_UNITS][::-1],
        "owed_cut": MOST_UNITS if len(owed) > MOST_UNITS else None,
        "problems": [stated(view, problem) for problem in view.find(Problem, about)],
        "aliases": view.find(Alias, mine),
        "kit": next((kit for kit in kits if kit.sku == found.sku), None),
        "part_of": sorted(kit.sku for kit in kits if any(part.sku == found.sku for part in kit.parts)),
        "listing": _entries(view, found.sku, before, {"empty": "yes" if empty else ""}),
    }


def _place(item: Item) -> tuple[str, str]:
    return fold(item.sku), item.sku


def _entries(view: Read, sku: str, before: str, asked: Mapping[str, str]) -> Listing[Entry]:
    """Return one page of the item's movements, newest first; ``asked`` is what the page shows besides."""
    after = id_of(before)
    where = {"sku": sku} | ({"id": Range(high=after)} if after else {})
    running = sum(total.amount for total in view.totals(Movement, where=where))
    rows, more = older_than(view, Movement, {"sku": sku}, before)
    entries = []
    for movement in rows:
        entries.append(Entry(movement, running))
        running -= movement.quantity
    return Listing.of(entries, more, asked, before=before)
