"""The status page over a whole shop in one process, as a configuration file describes it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tornado.web import Application

from stockhook import settings as configured
from stockhook.budget import Budget
from stockhook.health import Health
from stockhook.outbox import Subscription
from stockhook.settings import Settings
from stockhook.testing.shop import Shop
from stockhook.web.access import Access
from stockhook.web.app import admin_application

CONFIG: Final = """
[channels.shop]
merchant_id = "DEMO"
token = "a-token-for-tests-of-thirty-two-letters"
[notifiers.office]
type = "log"
"""
"""The configuration of the shop; tables may be added behind it."""

MEMORY: Final = """
[store]
type = "memory"
"""

PASSWORD: Final = "correct horse battery"  # noqa: S105 - guards nothing
READ_TOKEN: Final = "a-token-for-tests-that-may-read"  # noqa: S105 - guards nothing
WRITE_TOKEN: Final = "a-token-for-tests-that-may-write"  # noqa: S105 - guards nothing

GUARDED: Final = """
[admin]
password_hash = "$argon2id$v=19$m=8,t=1,p=1$dMCAku0KIiBPw+wlRXwl4g$KWhnMzgZLIpmh5WXxhMZ+yxRXlgUWFmbWMqIuZVICyM"
[[admin.tokens]]
name = "dashboard"
hash = "sha256:3e1d81d0718345af6af489ddbd85d00b90ac8b381f4bf26cc25b2a1b50418238"
[[admin.tokens]]
name = "erp"
hash = "sha256:7bc2bfe97615a12e432765e70b8d99ee1fb4eda79efe3d290712818ba1d3ffa1"
scope = "write"
"""
"""Tables that ask for ``PASSWORD``, with a hash that is quick to check, and let in by two tokens."""


@dataclass
class Pages:
    """A shop and the application that shows it; ``woken`` counts the actions after which the loops were woken."""

    settings: Settings
    shop: Shop
    health: Health
    access: Access
    woken: list[bool] = field(default_factory=list)

    def application(self) -> Application:
        """Return the application of the admin listener."""
        return admin_application(
            self.shop.desk, self.settings, self.health, self.access, lambda: self.woken.append(True)
        )


def open_pages(folder: Path, more: str = "", store: str = MEMORY) -> Pages:
    """Open a shop as described by ``CONFIG``, ``store`` and ``more``, written to a file in ``folder``."""
    path = folder / "config.toml"
    path.write_text(CONFIG + store + more)
    settings = configured.load(path)
    settings.store.open()
    channel = settings.channels["shop"]
    told = {name: Subscription() for name in settings.notifiers}
    shop = Shop(
        settings.store,
        channel.channel,
        settings.strategy.strategy,
        rules=channel.rules,
        subscriptions=told,
        choices=settings.choices(Budget().planner),
    )
    return Pages(settings, shop, Health(), Access(settings.admin, shop.desk.clock))
