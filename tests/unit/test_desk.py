"""What several persons change at the same moment: nobody undoes what somebody else did."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlite_file

from stockhook.errors import Refused
from stockhook.model import Alias, Audit, Item, Location
from stockhook.operations import codes, item_settings, items, locations, renaming
from stockhook.operations.desk import Desk
from stockhook.operations.item_import import import_items
from stockhook.quantity import ONE
from stockhook.testing.shop import Shop
from stockhook_plugins.channels.ultracart.channel import UltraCart
from stockhook_plugins.strategies.received import Fifo

Act = Callable[[Desk], object]


class _Beside:
    """A unit of work, or a store, right before whose first write somebody else does something."""

    def __init__(self, inner: Any, other: list[Callable[[], object]]) -> None:
        self._inner = inner
        self._other = other

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    @contextmanager
    def write(self) -> Iterator["_Beside"]:
        with self._inner.write() as work:
            yield _Beside(work, self._other)

    def save(self, records: list[Any]) -> None:
        self._meddle()
        self._inner.save(records)

    def book(self, bookings: list[Any]) -> Any:
        self._meddle()
        return self._inner.book(bookings)

    def _meddle(self) -> None:
        while self._other:
            self._other.pop()()


@pytest.fixture
def desks(tmp_path: Path) -> Iterator[tuple[Desk, Desk]]:
    channel = UltraCart(UltraCart.Options.model_validate({"merchant_id": "DEMO", "token": "t" * 32}))
    shops = []
    for _ in range(2):
        store = sqlite_file.at(tmp_path / "stock.db")
        store.open()
        shops.append(Shop(store, channel, Fifo(Fifo.Options())))
    shops[0].stock(SOAP=5)
    yield shops[0].desk, shops[1].desk
    for shop in shops:
        shop.store.close()


def beside(desks: tuple[Desk, Desk], act: Act, other: Act) -> Callable[[], object]:
    """Return the act of the first, which the second one's comes in between."""
    mine, theirs = desks
    store: Any = _Beside(mine.store, [lambda: other(theirs)])
    return lambda: act(replace(mine, store=store))


def all_of(desk: Desk, record: type[Any]) -> list[Any]:
    with desk.store.read() as view:
        return view.find(record)  # type: ignore[no-any-return] # of whatever record is asked for


@pytest.mark.parametrize("swapped", [False, True])
def test_what_is_changed_of_an_item_at_the_same_moment_is_changed(desks: tuple[Desk, Desk], swapped: bool) -> None:
    acts: list[Act] = [
        lambda desk: item_settings.change(desk, "SOAP", name="Lavender"),
        lambda desk: item_settings.retire(desk, "SOAP"),
    ]
    beside(desks, *(reversed(acts) if swapped else acts))()
    (item,) = all_of(desks[0], Item)
    assert (item.name, item.retired) == ("Lavender", True)


def test_what_is_changed_of_an_item_while_a_file_is_imported_is_changed(
    desks: tuple[Desk, Desk], tmp_path: Path
) -> None:
    file = tmp_path / "items.csv"
    file.write_text("sku,name\nSOAP,Lavender\nBOX,Box\n")
    beside(desks, lambda desk: import_items(desk, file), lambda desk: item_settings.retire(desk, "SOAP"))()
    assert {item.sku: (item.name, item.retired) for item in all_of(desks[0], Item)} == {
        "SOAP": ("Lavender", True),
        "BOX": ("Box", False),
    }
    assert len([entry for entry in all_of(desks[0], Audit) if entry.action == "items import"]) == 1


def test_what_is_changed_of_a_location_at_the_same_moment_is_changed(desks: tuple[Desk, Desk]) -> None:
    beside(
        desks,
        lambda desk: locations.change(desk, "MAIN", pick_sequence=7),
        lambda desk: locations.change(desk, "MAIN", pickable=False),
    )()
    assert all_of(desks[0], Location) == [Location("MAIN", pickable=False, pick_sequence=7)]


def test_what_is_changed_of_an_item_or_its_codes_while_it_is_renamed_goes_over(desks: tuple[Desk, Desk]) -> None:
    def other(desk: Desk) -> None:
        item_settings.change(desk, "SOAP", min_shelf_life_days=30)
        codes.alias(desk, "PACK", "SOAP", 3 * ONE)

    beside(desks, lambda desk: renaming.rename(desk, "SOAP", "BAR"), other)()
    assert {item.sku: item.min_shelf_life_days for item in all_of(desks[0], Item)} == {"SOAP": 30, "BAR": 30}
    assert {alias.code: alias.sku for alias in all_of(desks[0], Alias)} == {"pack": "BAR", "soap": "BAR"}


@pytest.mark.parametrize(
    ("act", "other"),
    [
        (lambda desk: items.add(desk, "box", "Mine"), lambda desk: items.add(desk, "BOX", "Theirs")),
        (lambda desk: locations.add(desk, "back"), lambda desk: locations.add(desk, "BACK")),
        (lambda desk: item_settings.retire(desk, "SOAP"), lambda desk: item_settings.retire(desk, "SOAP")),
        (lambda desk: renaming.rename(desk, "SOAP", "BAR"), lambda desk: items.add(desk, "BAR", "Theirs")),
    ],
)
def test_what_somebody_has_just_done_is_refused_and_leaves_no_trace(
    desks: tuple[Desk, Desk], act: Act, other: Act
) -> None:
    before = len(all_of(desks[0], Audit))
    with pytest.raises(Refused):
        beside(desks, act, other)()
    assert len(all_of(desks[0], Audit)) == before + 1
    assert "Mine" not in {item.name for item in all_of(desks[0], Item)}
