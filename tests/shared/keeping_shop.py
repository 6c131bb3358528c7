"""A small shop with a place to pick from, one behind it, one that is not picked from, and pieces with numbers."""

from datetime import timedelta

from stockhook.model import Item, Location, Unit
from stockhook.operations.stock.receipts import Receipt, receive
from stockhook.operations.verify import verify
from stockhook.quantity import ONE
from stockhook.rules import ChannelRules
from stockhook.testing.payloads import envelope, line, order_ship
from stockhook.testing.shop import Shop
from stockhook_plugins.channels.ultracart.channel import UltraCart
from stockhook_plugins.channels.ultracart.options import UltraCartOptions
from stockhook_plugins.stores.memory import MemoryStore
from stockhook_plugins.strategies.received import Fifo

DAY1 = "2026-11-01T12:00:00-05:00"
LATER = timedelta(minutes=1)


def new_shop(rules: ChannelRules | None = None) -> Shop:
    store = MemoryStore()
    store.open()
    channel = UltraCart(UltraCartOptions.model_validate({"merchant_id": "DEMO", "token": "t" * 32}))
    shop = Shop(store, channel, Fifo(Fifo.Options()), rules=rules)
    with store.write() as work:
        work.save([Location("MAIN"), Location("BACK"), Location("ATTIC", pickable=False), Item("S", serial=True)])
    return shop


def ship(shop: Shop, order_id: str, sku: str, quantity: int) -> None:
    shop.send(envelope(order_ship(order_id, [line(sku, quantity, shipped=DAY1)])))


def piece(shop: Shop, serial: str = "S-1", location: str = "MAIN") -> Unit:
    return receive(shop.desk, [Receipt("S", ONE, location, serial=serial)]).units[0]


def sound(shop: Shop) -> bool:
    return [check for check in verify(shop.desk) if not check.ok] == []
