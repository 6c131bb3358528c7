"""The first page: is all well, what waits, and what a newcomer does next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from stockhook.advice import Advice, advise
from stockhook.model import (
    Delivery,
    EventState,
    Item,
    Notice,
    NoticeState,
    Problem,
    ProblemState,
    Unit,
)
from stockhook.operations.backlog import COUNTED, Backlog, backlog, open_events
from stockhook.operations.channels import target_url
from stockhook.operations.deliveries import newest_of
from stockhook.operations.volume import Volume
from stockhook.plugin_manager import Record, Status
from stockhook.settings import Settings
from stockhook.store import Read
from stockhook.watch import OLD
from stockhook.web.charts import Chart, bars
from stockhook.web.page import Page
from stockhook.web.templates import amount

_SHADOW: Final[dict[str, str]] = {
    "Shadow mode is on": "nothing is booked for orders; what would be stands with each event, whose state is ignored. "
    "shadow = false under [allocation] ends it."
}
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Waiting:
    """The notices that one notifier has yet to send, and what went wrong at the last try, if anything."""

    notifier: str
    count: int
    error: str | None


class OverviewPage(Page):
    """The first page."""

    async def get(self) -> None:
        """Show it."""
        settings, now = self.site.settings, self.site.desk.clock.now()
        troubles = _SHADOW if settings.shadow else {}
        still = self.asked("still") == "yes"
        await self.show(
            "overview.html",
            lambda view: (
                overview(view, settings, now)
                | {"troubles": troubles, "charts": charts(view, self.site.volume, now), "still": still}
            ),
        )


def overview(view: Read, settings: Settings, now: datetime) -> dict[str, object]:
    """Return what the first page shows."""
    events = open_events(view)
    open_problems = {"state": ProblemState.OPEN}
    channels = [*settings.channels]
    waits, unsent, unloaded = backlog(view, now), waiting(view, settings.notifiers), failed(settings.plugins.records)
    return {
        "backlog": waits,
        "unwell": unwell(waits, unsent, unloaded, now),
        "channels": {name: newest_of(view, name) for name in channels},
        "targets": {name: target_url(settings, name) for name in channels},
        "states": [(state.value, events.get(state, 0)) for state in EventState if state in COUNTED],
        "problems": advised(view.find(Problem, open_problems, most=_SHOWN)),
        "problem_count": sum(total.count for total in view.totals(Problem, where=open_problems)),
        "waiting": unsent,
        "notifiers": [*settings.notifiers],
        "failed": unloaded,
        "store": settings.store.type,
        "has_items": bool(view.find(Item, most=1)),
        "has_units": bool(view.find(Unit, most=1)),
        "has_deliveries": bool(view.find(Delivery, most=1)),
    }


def unwell(waits: Backlog, unsent: Sequence[Waiting], unloaded: Sequence[Record], now: datetime) -> str | None:
    """Return what is not well though it is no problem of the inbox (yet); None where all is well."""
    if waits.oldest is not None and now - waits.oldest >= OLD:
        return "Some work has waited for long"
    if any(each.error for each in unsent):
        return "Some notices could not be sent yet"
    return "A plugin could not be loaded" if unloaded else None


def charts(view: Read, volume: Volume, now: datetime) -> list[Chart]:
    """Return the charts of what comes in and goes out."""
    came = bars(
        "deliveries",
        "Deliveries per hour (UTC)",
        volume.deliveries(view, now),
        written=str,
        when=lambda start: f"from {start:%H:%M} on",
        tick=lambda start: f"{start:%H:%M}",
        what=("Hour (UTC)", "Deliveries"),
    )
    went = bars(
        "shipped",
        "Units booked as shipped per day (UTC)",
        volume.units_out(view, now),
        written=amount,
        when=lambda start: f"on {start:%Y-%m-%d}",
        tick=lambda start: f"{start.day} {start:%b}",
        what=("Day (UTC)", "Units"),
    )
    return [came, went]


def waiting(view: Read, notifiers: Mapping[str, object]) -> list[Waiting]:
    """Return what each notifier has yet to send; one that config no longer names is listed while it has notices."""
    where = {"state": NoticeState.WAITING}
    counts = {total.by[0]: total.count for total in view.totals(Notice, ("notifier",), where)}
    found = []
    for name in dict.fromkeys([*notifiers, *counts]):
        newest = view.find(Notice, where | {"notifier": name}, most=_SHOWN) if counts.get(name) else []
        error = next((notice.error for notice in newest if notice.error), None)
        found.append(Waiting(name, counts.get(name, 0), error))
    return found


def advised(problems: Sequence[Problem]) -> list[tuple[Problem, Advice]]:
    """Return each problem with what to do about it."""
    return [(problem, advise(problem)) for problem in problems]


def failed(records: Sequence[Record]) -> list[Record]:
    """Return the plugins that could not be loaded."""
    return [record for record in records if record.status is Status.FAILED]
