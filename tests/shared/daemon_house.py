"""A daemon on the loop of a test, in its own process."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import AsyncHTTPClient

from stockhook import daemon as composed
from stockhook import settings
from stockhook.daemon import Daemon
from stockhook.testing.payloads import envelope, line, order_ship

OLD, NEW = "the-old-token-0123456789", "the-new-token-0123456789"
BODY = envelope(order_ship("D-1", [line("SOAP", 1)]))


@dataclass
class House:
    """A daemon on this test's loop, with a store in memory and a configuration that can be written anew."""

    config: Path
    levels: list[str] = field(default_factory=list)

    def write(self, tokens: Sequence[str] = (OLD,), more: str = "", server: str = "127.0.0.1:0") -> None:
        self.config.write_text(
            f'[server]\nlisten = "{server}"\n[admin]\nlisten = "127.0.0.1:0"\n[store]\ntype = "memory"\n'
            f'[channels.shop]\nmerchant_id = "DEMO"\ntoken = {list(tokens)}\n{more}'
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Daemon]:
        daemon = Daemon(settings.load(self.config))
        serving = asyncio.create_task(daemon.serve())
        while not daemon.addresses.get("admin"):
            await asyncio.sleep(0.01)
            if serving.done():
                serving.result()
        try:
            yield daemon
        finally:
            daemon.stop()
            self.code = await asyncio.wait_for(serving, 50)


def house_at(folder: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """Return a house whose daemon leaves this process as it is."""
    house = House(folder / "config.toml")
    house.write()
    # these two are for the whole process, which here is that of the tests
    monkeypatch.setattr(composed, "settle_memory", lambda: None)
    monkeypatch.setattr("stockhook.log.configure", lambda level="info", _stream=None: house.levels.append(level))
    return house


async def get(address: str) -> tuple[int, bytes]:
    answer = await AsyncHTTPClient().fetch(address, raise_error=False)
    return answer.code, answer.body


async def post(daemon: Daemon, token: str = OLD, channel: str = "shop") -> int:
    address = f"{daemon.addresses['server']}/webhooks/{channel}/{token}"
    return (await AsyncHTTPClient().fetch(address, method="POST", body=BODY, raise_error=False)).code


async def probes(daemon: Daemon) -> dict[str, int]:
    """Return the status of both probes; both listeners must agree."""
    found = {}
    for path in ("/healthz", "/readyz"):
        codes = {(await get(address + path))[0] for address in daemon.addresses.values()}
        assert len(codes) == 1
        found[path] = codes.pop()
    return found


def raising(error: Exception) -> Callable[..., Any]:
    def fail(*_: object) -> Any:
        raise error

    return fail
