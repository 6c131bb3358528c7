"""The forms about an item itself: what it is called, when it is to be reordered, another sku, that no more comes."""

from stockhook.model import Item
from stockhook.quantity import text
from stockhook.web.forms import Field, Form
from stockhook.web.templates import item_path


def new_item(sku: str) -> tuple[Field, ...]:
    """Return what is asked of a new item; its sku is proposed."""
    return (
        Field("sku", "SKU", value=sku, required=True),
        Field("name", "Name"),
        Field("serial", "Each piece has a serial number", "check"),
    )


def adding(sku: str = "") -> Form:
    """Return the form that adds an item."""
    return Form(
        name="add",
        address="/items",
        title="Add an item",
        button="Add",
        fields=new_item(sku),
        note="Orders that wait for this SKU are worked again. Goods of it are received on its page.",
    )


def settings(item: Item) -> Form:
    """Return the form that changes an item's name, shelf life and mark; it comes filled in, and empty means none."""
    days = "" if item.min_shelf_life_days is None else str(item.min_shelf_life_days)
    mark = "" if item.reorder_at is None else text(item.reorder_at)
    return Form(
        name="set",
        address=f"{item_path(item.sku)}/set",
        title=f"Change {item.sku}",
        button="Change",
        fields=(
            Field("name", "Name", value=item.name),
            Field("min_shelf_life_days", "Days it must still be good", "quantity", value=days),
            Field("reorder_at", "Tell someone at", "quantity", value=mark),
        ),
        note="Empty: as the strategy says, and nobody is told.",
    )


def renaming(item: Item) -> Form:
    """Return the form that gives an item another sku."""
    return Form(
        name="rename",
        address=f"{item_path(item.sku)}/rename",
        title=f"Give {item.sku} another SKU",
        button="Rename",
        fields=(Field("sku", "New SKU", required=True),),
        note="Goods, codes and kits go over, and the old SKU becomes a code that means the new one. What was booked "
        "stays written under the old one.",
    )


def retiring(item: Item) -> Form:
    """Return the form that has no more of an item be received."""
    note = "No more of it is received. What is left is used up, and its history stays."
    return Form("retire", f"{item_path(item.sku)}/retire", f"Retire {item.sku}", "Retire it", (), note)


def unretiring(item: Item) -> Form:
    """Return the form that has an item that was retired be received again."""
    return Form("unretire", f"{item_path(item.sku)}/unretire", f"Receive {item.sku} again", "Take it up again", ())


def setting_forms(item: Item) -> list[Form]:
    """Return what can be changed of an item itself."""
    return [settings(item), renaming(item), unretiring(item) if item.retired else retiring(item)]
