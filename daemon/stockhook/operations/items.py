"""What a person does to the item master: list items, add one, define a kit."""

from collections.abc import Sequence
from dataclasses import dataclass

from stockhook.errors import BadQuantity, NotFound, Refused
from stockhook.model import Alias, Catalogue, Item, Kit, KitPolicy, Part, fold
from stockhook.operations.desk import Desk
from stockhook.operations.due import make_due, shipped_unbound, waiting_on_code
from stockhook.operations.kits import close_mismatch
from stockhook.operations.suggestions import did_you_mean, suggest
from stockhook.operations.words import checked
from stockhook.quantity import ONE, text, times
from stockhook.store import FOREVER, Read, Work


@dataclass(frozen=True, slots=True)
class Added:
    """The new item, and how many orders waited for its sku as a code and are worked again."""

    item: Item
    due: int


def list_items(desk: Desk, most: int = 1000) -> list[tuple[Item, Kit | None]]:
    """Return items with the definitions of those that are kits, by descending sku."""
    with desk.store.read() as view:
        items = view.find(Item, most=most)
        kits = {fold(kit.sku): kit for kit in view.find(Kit, most=FOREVER)}
    return [(item, kits.get(fold(item.sku))) for item in items]


def add(desk: Desk, sku: str, name: str = "", *, serial: bool = False) -> Added:
    """Add an item; raises Refused for a sku that is none, or that exists, in whatever case."""
    item = new_item(sku, name, serial=serial)
    with desk.changing("items add", item.sku) as work:
        save_new(work, item)
        return Added(item, make_due(desk, work, waiting_on_code(work, fold(item.sku))))


def new_item(sku: str, name: str = "", *, serial: bool = False) -> Item:
    """Return an item to be added; raises Refused for a sku or a name that is none."""
    return Item(checked_sku(sku), checked_name(name), serial)


def save_new(work: Work, item: Item) -> None:
    """Save an item; raises Refused where one of its sku, in whatever case, is there."""
    known = find_item(work, item.sku)
    if known is not None:
        raise Refused(f"{_said_of(known)} exists already; nothing was changed")
    work.save([item])


def define_kit(desk: Desk, sku: str, parts: Sequence[tuple[str, int]], policy: KitPolicy | None) -> Kit:
    """Save what a kit consists of, whole, in place of an earlier definition; ``policy`` None: as the channel says.

    Lines that are booked stay as they are, orders that shipped the kit and have not booked it are worked again. The
    kit's problem closes where the newest order agrees by now.
    Raises Refused for parts that are listed twice or not above 0, and where a kit would contain itself; NotFound for
    items that do not exist, all at once.
    """
    if not parts:
        raise Refused("a kit has at least one part; write it like: stockhook items kit GIFT SOAP=2 BOX=1")
    with desk.store.write() as work:
        catalogue = work.catalogue((), {sku, *(part for part, _ in parts)})
        item = known_item(work, sku, catalogue)
        kit = Kit(item.sku, _checked_parts(work, parts, catalogue), policy)
        details = {f"part {part.sku}": text(part.quantity) for part in kit.parts}
        details |= {"policy": policy.value} if policy else {}
        work.save([kit, desk.audit("items kit", kit.sku, **details)])
        _refuse_unsound(kit, work)  # behind the write, so that no definition saved meanwhile closes a ring with it
        close_mismatch(desk, work, kit.sku)
    _work_again(desk, kit)
    return kit


def _work_again(desk: Desk, kit: Kit) -> None:
    """Make due the orders that shipped a kit and have not booked it: what their lines consume is another now."""
    with desk.store.read() as view:
        codes = _codes(view, kit)
        keys = shipped_unbound(view, codes)
    if keys:
        with desk.store.write() as work:
            make_due(desk, work, keys)


def _codes(view: Read, kit: Kit) -> set[str]:
    """Return the folded codes that mean a kit, or one that holds it, at any depth."""
    kits = view.find(Kit, most=FOREVER)
    skus = {fold(kit.sku)}
    while more := {fold(k.sku) for k in kits if any(fold(part.sku) in skus for part in k.parts)} - skus:
        skus |= more
    aliases = view.find(Alias, most=FOREVER)
    return skus | {alias.code for alias in aliases if alias.sku is not None and fold(alias.sku) in skus}


def find_item(view: Read, sku: str) -> Item | None:
    """Return the item of that sku, in whatever case."""
    return view.catalogue((), {sku}).items.get(fold(sku))


def known_item(view: Read, sku: str, catalogue: Catalogue | None = None) -> Item:
    """Return the item of that sku, in whatever case; raises NotFound with near misses."""
    item = (catalogue or view.catalogue((), {sku})).items.get(fold(sku))
    if item is None:
        raise NotFound(unknown_item(view, sku))
    return item


def unknown_item(view: Read, sku: str) -> str:
    """Return what to say of a sku that is no item of ours."""
    meant = did_you_mean(suggest(view, sku))
    return f"there is no item {sku!r}{meant or '; `stockhook items add` adds one, `items list` shows them'}"


def checked_sku(sku: str) -> str:
    """Return a sku trimmed; raises Refused for one that is empty, too long or not printable."""
    trimmed = sku.strip()
    if not trimmed:
        raise Refused("the sku is empty; give the code the item is stocked under")
    return checked("sku", trimmed)


def checked_name(name: str) -> str:
    """Return a name trimmed; raises Refused for one that is too long or cannot be printed."""
    return checked("name", name)


def _said_of(item: Item) -> str:
    return f"the item {item.sku}{f' ({item.name})' if item.name else ''}"


def _checked_parts(work: Work, parts: Sequence[tuple[str, int]], catalogue: Catalogue) -> tuple[Part, ...]:
    faults: list[str] = []
    checked: dict[str, Part] = {}
    for sku, quantity in parts:
        item = catalogue.items.get(fold(sku))
        if item is None:
            faults.append(unknown_item(work, sku))
        elif item.sku in checked:
            faults.append(f"{item.sku} is listed twice; list it once, with the sum")
        elif quantity <= 0:
            faults.append(f"{text(quantity)} of {item.sku} is no part of a kit; give a quantity above 0")
        else:
            checked[item.sku] = Part(item.sku, quantity)
    if faults:
        raise Refused("\n".join(faults))
    return tuple(checked.values())


def _refuse_unsound(kit: Kit, work: Work) -> None:
    """Raise Refused where a kit just saved contains itself, or a kit that holds it then has a seventh decimal place."""
    kits = {fold(each.sku): each for each in work.find(Kit, most=FOREVER)}

    def holds(sku: str, seen: set[str]) -> bool:
        inner = kits.get(fold(sku))
        if inner is None or fold(sku) in seen:
            return False
        seen.add(fold(sku))
        return any(fold(part.sku) == fold(kit.sku) or holds(part.sku, seen) for part in inner.parts)

    def walk(sku: str, quantity: int, path: tuple[str, ...]) -> None:
        inner = kits.get(fold(sku))
        for part in inner.parts if inner else ():
            if fold(part.sku) in map(fold, path):
                ring = " > ".join((*path, part.sku))
                raise Refused(f"a kit cannot contain itself: {ring}; nothing was changed")
            try:
                walk(part.sku, times(part.quantity, quantity), (*path, part.sku))
            except BadQuantity as error:
                raise Refused(
                    f"multiplied out, {' > '.join((*path, part.sku))}: {error}; nothing was changed"
                ) from None

    walk(kit.sku, ONE, (kit.sku,))
    for outer in kits.values():
        if outer.sku != kit.sku and holds(outer.sku, set()):
            walk(outer.sku, ONE, (outer.sku,))
