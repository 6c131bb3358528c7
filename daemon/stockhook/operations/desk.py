"""What every operation works with."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from stockhook.batch import Policies
from stockhook.budget import Budget
from stockhook.clock import Clock
from stockhook.errors import Refused
from stockhook.model import Audit, OrderKey
from stockhook.outbox import Subscription
from stockhook.record import record
from stockhook.settings import Settings
from stockhook.store import Store, Total, Work


@dataclass(frozen=True, slots=True)
class Swept:
    """What the last sweep saw of an item that is waited for.

    ``goods`` are its version and the ids of the units that may be offered, ``waiting`` how many orders wait for how
    much, and ``orders`` which ones, as far as there were goods.
    """

    goods: tuple[int, frozenset[int]]
    waiting: tuple[Total, ...]
    orders: frozenset[OrderKey]


@record(frozen=True, slots=True)
class Desk:
    """The open store, what decides, who is to be told, the time, and who asks (``cli:USER``, ``web:NAME``).

    ``swept`` is what the sweep remembers of each item from one minute to the next.
    """

    store: Store
    policies: Policies
    subscriptions: Mapping[str, Subscription]
    clock: Clock
    actor: str
    swept: dict[str, Swept] = field(default_factory=dict)

    def audit(self, action: str, subject: str, reason: str | None = None, **details: str) -> Audit:
        """Return the audit entry of a change made here and now, to be saved with it."""
        return Audit(0, self.clock.now(), self.actor, action, subject, reason, details)

    @contextmanager
    def changing(self, action: str, subject: str, reason: str | None = None, **details: str) -> Iterator[Work]:
        """Open a unit of work that begins with its audit entry, so that nobody else writes until it ends.

        For what no version covers (items, locations, codes, problems): what is changed must be read in it, or what
        somebody else has changed meanwhile is undone. An exception leaves nothing of it, the entry neither.
        """
        with self.store.write() as work:
            work.save([self.audit(action, subject, reason, **details)])
            yield work

    def refuse_in_shadow(self, what: str) -> None:
        """Raise Refused in shadow mode: it would give back what is booked for an order, and book nothing instead."""
        if self.policies.shadow:
            raise Refused(
                f"{what} would book anew for an order, and in shadow mode nothing is booked for orders; nothing was "
                "changed. Switch it off first: shadow = false under [allocation]"
            )


def set_up(settings: Settings, clock: Clock, actor: str, budget: Budget | None = None) -> Desk:
    """Return the desk that a configuration describes; its store must be opened by whoever owns it."""
    rules = {name: channel.rules for name, channel in settings.channels.items()}
    subscriptions = {name: Subscription(one.on, one.per_hour) for name, one in settings.notifiers.items()}
    choices = settings.choices((budget or Budget()).planner)
    policies = Policies(rules, choices, settings.shadow)
    return Desk(settings.store, policies, subscriptions, clock, actor)
