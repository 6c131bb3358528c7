"""Items, aliases and kits as rows."""

from collections.abc import Iterable

from stockhook.model import Alias, Item, Kit, KitPolicy, Part
from stockhook.operations.codes import Mapped
from stockhook.operations.item_settings import Changed
from stockhook.operations.items import Added
from stockhook.operations.renaming import Renamed
from stockhook.quantity import text
from stockhook.rows.values import Amount, Row, fields, order_names, row_of


class PartRow(Row, frozen=True, kw_only=True):
    """So much of an item in one of something."""

    sku: str
    quantity: Amount


class ItemRow(Row, frozen=True, kw_only=True):
    """What is stocked; ``serial``: each piece has a number of its own; ``retired``: no more of it is received.

    ``reorder_at`` null: nobody is told when little is left.
    """

    sku: str
    name: str
    serial: bool
    min_shelf_life_days: int | None
    retired: bool
    reorder_at: Amount | None


class ListedItem(ItemRow, frozen=True, kw_only=True):
    """An item with its parts, where it is a kit; ``policy`` null: as the channel says."""

    parts: list[PartRow]
    policy: KitPolicy | None


class AddedItem(Row, frozen=True, kw_only=True):
    """A new item, and how many orders waited for its sku as a code and are worked again."""

    sku: str
    name: str
    serial: bool
    due: int


class ChangedItem(ItemRow, frozen=True, kw_only=True):
    """An item as it is after a change, and how many orders are worked again because of it."""

    due: int


class RetiredItem(ItemRow, frozen=True, kw_only=True):
    """An item that was retired or taken up again, and how much of it is in stock."""

    in_stock: Amount


class RenamedItem(Row, frozen=True, kw_only=True):
    """The new sku, the old one, how much went over in how many units, and the kits whose parts were changed."""

    sku: str
    old_sku: str
    quantity: Amount
    units: int
    kits: list[str]


class KitRow(Row, frozen=True, kw_only=True):
    """What an item sold as one consists of."""

    sku: str
    parts: list[PartRow]
    policy: KitPolicy | None


class AliasRow(Row, frozen=True, kw_only=True):
    """A code of the store: ``factor`` of an item, or nothing (``sku`` null); ``account`` null: for every account."""

    code: str
    account: str | None
    sku: str | None
    factor: Amount


class BookedLineRow(Row, frozen=True, kw_only=True):
    """A line that was booked under another meaning of its code, and what that was."""

    account: str
    order_id: str
    item_index: int
    code: str
    meant: str


class MappedRow(AliasRow, frozen=True, kw_only=True):
    """The alias as saved, how many orders are worked again, lines booked otherwise, orders booked anew."""

    due: int
    booked: list[BookedLineRow]
    rebooked: list[str]


def part_rows(parts: Iterable[Part]) -> list[PartRow]:
    """Return what something consists of."""
    return [row_of(PartRow, part) for part in parts]


def added_item(added: Added) -> AddedItem:
    """Return what `items add` did."""
    return row_of(AddedItem, added.item, due=added.due)


def changed_item(changed: Changed) -> ChangedItem:
    """Return what `items set` did."""
    return row_of(ChangedItem, changed.item, due=changed.due)


def retired_item(changed: Changed) -> RetiredItem:
    """Return what `items retire` did."""
    return row_of(RetiredItem, changed.item, in_stock=text(changed.in_stock))


def renamed_item(renamed: Renamed) -> RenamedItem:
    """Return what `items rename` did."""
    return RenamedItem(
        sku=renamed.new.sku,
        old_sku=renamed.old.sku,
        quantity=text(renamed.quantity),
        units=renamed.units,
        kits=list(renamed.kits),
    )


def listed_item(item: Item, kit: Kit | None) -> ListedItem:
    """Return an item as `items list` has it."""
    parts = part_rows(kit.parts) if kit else []
    return row_of(ListedItem, item, parts=parts, policy=kit.policy if kit else None)


def kit_row(kit: Kit) -> KitRow:
    """Return the definition of a kit."""
    return row_of(KitRow, kit, parts=part_rows(kit.parts))


def alias_row(alias: Alias) -> AliasRow:
    """Return what a code means, the code as a person wrote it."""
    return AliasRow(code=alias.written, account=alias.account or None, sku=alias.sku, factor=text(alias.factor))


def mapped_row(mapped: Mapped) -> MappedRow:
    """Return what `items alias` and `items ignore` did."""
    return MappedRow(
        **fields(alias_row(mapped.alias)),
        due=mapped.due,
        booked=[
            BookedLineRow(
                account=line.order.account,
                order_id=line.order.order_id,
                item_index=line.item_index,
                code=line.code,
                meant=line.meant,
            )
            for line in mapped.booked
        ],
        rebooked=order_names(mapped.rebooked),
    )
