"""Plays the demo's day against a daemon that runs in this process, and tells what became of it."""

import asyncio
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from stockhook import settings
from stockhook.daemon import Daemon
from stockhook.demo.scenario import AFTERNOON, MERCHANT, MORNING, Deed, Post, open_shop
from stockhook.errors import Refused
from stockhook.model import Delivery, DeliveryState, Event, Notice, NoticeState, Order
from stockhook.operations.desk import Desk
from stockhook.operations.orders import find_key
from stockhook.store import FOREVER, Read

_TOKEN: Final = "demo-demo-demo-demo-demo"  # noqa: S105 - on loopback, in a folder that goes away
_PATIENCE: Final = 20.0


@dataclass(frozen=True, slots=True)
class Told:
    """One line of the report: what was done, how it was answered (a person's deed is not), what became of it."""

    what: str
    answer: str
    state: str
    text: str


@dataclass(frozen=True, slots=True)
class Demo:
    """A daemon that has seen the day and still runs, and the task it runs in."""

    daemon: Daemon
    task: asyncio.Task[int]

    async def finish(self) -> None:
        """Stop the daemon."""
        self.daemon.stop()
        await self.task


async def play(folder: Path, tell: Callable[[Told], None]) -> Demo:
    """Start a daemon on a new store in ``folder``, play the day, and return it, still running."""
    path = folder / "config.toml"
    path.write_text(_CONFIG.format(folder=folder, merchant=MERCHANT, token=_TOKEN), encoding="utf-8")
    daemon = Daemon(settings.load(path))
    demo = Demo(daemon, asyncio.create_task(daemon.serve()))
    await _listening(demo)
    desk = replace(daemon.desk, actor="demo")
    await asyncio.to_thread(open_shop, desk)
    address = f"{daemon.addresses['server']}/webhooks/shop/{_TOKEN}"
    for post in MORNING:
        tell(await asyncio.to_thread(_post, desk, address, post))
    for deed in AFTERNOON:
        tell(await asyncio.to_thread(_do, desk, deed))
    await asyncio.to_thread(_until, desk, _mailed)
    return demo


async def _listening(demo: Demo) -> None:
    while "admin" not in demo.daemon.addresses:
        if demo.task.done():
            demo.task.result()
            raise Refused("the daemon ended before it listened")
        await asyncio.sleep(0.01)


def _post(desk: Desk, address: str, post: Post) -> Told:
    request = urllib.request.Request(address, data=post.body, headers={"Content-Type": "application/json"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own daemon on loopback
            status = str(answer.status)
    except urllib.error.HTTPError as error:
        status = str(error.code)
    _until(desk, _worked)
    with desk.store.read() as view:
        newest = view.find(Delivery, most=1)[0]
        event = view.find(Event, {"delivery_id": newest.id}, most=1)[0]
    return Told(post.what, status, event.state, event.text or "")


def _do(desk: Desk, deed: Deed) -> Told:
    deed.do(desk)
    _until(desk, _worked)
    with desk.store.read() as view:
        keys = [find_key(view, f"{key.account}/{key.order_id}") for key in deed.orders]
        event = view.find(Event, {"account": keys[0].account, "order_id": keys[0].order_id}, most=1)[0]
    return Told(deed.command, "", event.state, event.text or "")


def _worked(view: Read) -> bool:
    pending = view.find(Delivery, {"state": DeliveryState.PENDING}, most=1)
    due = [order for order in view.find(Order, most=FOREVER) if order.due_at is not None]
    return not pending and not due


def _mailed(view: Read) -> bool:
    return not view.find(Notice, {"state": NoticeState.WAITING, "about": frozenset({"opened", "closed"})}, most=1)


def _until(desk: Desk, holds: Callable[[Read], bool]) -> None:
    """Wait until the daemon has done its part; it is quick, but it is another thread's work."""
    ends = time.monotonic() + _PATIENCE
    while time.monotonic() < ends:
        with desk.store.read() as view:
            if holds(view):
                return
        time.sleep(0.01)
    raise Refused("the daemon did not finish its work in time; its log says more")


_CONFIG: Final = """\
[server]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[log]
level = "error"
[store]
url = "sqlite:///{folder}/stockhook.db"
[allocation]
locations = ["MAIN/FG", "WEST/FG"]
[channels.shop]
type = "ultracart"
merchant_id = "{merchant}"
token = "{token}"
[channels.shop.distribution_centers]
WEST = ["WEST/FG"]
[notifiers.mail]
type = "email"
folder = "{folder}/mails"
from = "stockhook@example.com"
to = ["stock@example.com"]
"""
