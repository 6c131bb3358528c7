"""The metrics by the names that Prometheus scrapes: the daemon's meters, and what the store says.

No label can grow without bound: channels and notifiers are those of the config, all else are words of ours.
"""

import platform
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from stockhook import log
from stockhook.clock import Clock
from stockhook.errors import StoreUnavailable
from stockhook.health import Health
from stockhook.meters import Distribution, Meters
from stockhook.model import KINDS, EventState, MovementKind
from stockhook.operations.backlog import COUNTED
from stockhook.settings import Settings
from stockhook.web.standing import LedgerCount, Standing, stand

if TYPE_CHECKING:
    from prometheus_client import Metric

logger = log.get(__name__)

Values: TypeAlias = Mapping[Any, float]
"""Values by those of their labels, a tuple of texts."""

REFUSALS: Final = {
    400: "malformed",
    401: "unauthorized",
    404: "unknown-target",
    405: "wrong-method",
    413: "too-large",
    503: "try-again",
}
"""Outcomes of requests to the webhooks that were not stored, by their status."""

_OUTCOMES: Final = frozenset(EventState) - {EventState.PENDING}
"""What may become of an event; each is shown from the start, or the first one of it would be no increase."""


class Exposition:
    """Writes the metrics of one daemon, from a registry of its own."""

    def __init__(self, meters: Meters, settings: Settings, health: Health, clock: Clock, ledger: LedgerCount) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Counted(meters, settings))
        self._registry.register(_Asked(settings, health, clock, ledger))
        ProcessCollector(registry=self._registry)

    def written(self, accept: str) -> tuple[bytes, str]:
        """Return the metrics in the format that the Accept header asks for, and its content type; reads the store."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type


class _Counted(Collector):
    """What the daemon has counted since it began."""

    def __init__(self, meters: Meters, settings: Settings) -> None:
        self._meters = meters
        self._settings = settings

    def collect(self) -> "Iterator[Metric]":
        meters, settings = self._meters, self._settings
        yield from self._intake()
        yield _histogram(
            "stockhook_worker_batch_seconds", "Time of one batch of the worker, commit included.", meters.batches
        )
        yield _histogram(
            "stockhook_worker_batch_events", "Events and orders settled in one batch.", meters.batch_events
        )
        yield _histogram(
            "stockhook_event_wait_seconds",
            "Time from the receipt of an event to its outcome, for events whose first try had one.",
            meters.event_waits,
        )
        yield _counter(
            "stockhook_event_retries", "Failed tries of events that are to be tried again.", (), {(): meters.retries}
        )
        outcomes = {(name, state.value): 0 for name in settings.channels for state in sorted(_OUTCOMES)}
        yield _counter(
            "stockhook_events",
            "Outcomes of events, by channel and state.",
            ("channel", "state"),
            outcomes | {(name, state.value): count for (name, state), count in meters.events.copy().items()},
        )
        tries = {(name, outcome): 0 for name in settings.notifiers for outcome in ("sent", "failed")}
        yield _counter(
            "stockhook_notices",
            "Tries to send notices, by notifier and outcome.",
            ("notifier", "outcome"),
            tries | dict(meters.notices.copy()),
        )
        info = GaugeMetricFamily("stockhook_build_info", "What runs; always 1.", labels=("version", "python", "store"))
        info.add_metric((version("stockhook"), platform.python_version(), settings.store.type), 1)
        yield info

    def _intake(self) -> "Iterator[Metric]":
        meters = self._meters
        refused = meters.refused.copy()
        outcomes = {("stored",): meters.stored} | {(word,): refused[status] for status, word in REFUSALS.items()}
        yield _counter(
            "stockhook_intake_requests", "Answered requests to webhook addresses, by outcome.", ("outcome",), outcomes
        )
        yield _histogram(
            "stockhook_intake_commit_seconds", "Time of one commit of a group of deliveries.", meters.commits
        )
        yield _histogram("stockhook_intake_commit_deliveries", "Deliveries in one commit.", meters.groups)
        yield _counter(
            "stockhook_intake_commit_failures",
            "Commits of deliveries that could not be made; their senders were told to come again.",
            (),
            {(): meters.commits_failed},
        )


class _Asked(Collector):
    """What the store and the daemon's health say at this moment."""

    def __init__(self, settings: Settings, health: Health, clock: Clock, ledger: LedgerCount) -> None:
        self._settings = settings
        self._health = health
        self._clock = clock
        self._ledger = ledger

    def collect(self) -> "Iterator[Metric]":
        ready, _ = self._health.answer("/readyz")
        yield _gauge("stockhook_ready", "1 while the daemon is able to store deliveries, as /readyz says.", {(): ready})
        try:
            standing = stand(self._settings.store, self._settings, self._ledger, self._clock.now())
        except StoreUnavailable as error:
            logger.warning("store not read for metrics", error=str(error))
            standing = None
        yield _gauge("stockhook_store_up", "1 if the store could be read for this scrape.", {(): standing is not None})
        if standing is not None:
            yield from self._waiting(standing)
            yield from self._kept(standing)

    def _waiting(self, standing: Standing) -> "Iterator[Metric]":
        waits = standing.backlog
        now = self._clock.now()
        age = max((now - waits.oldest).total_seconds(), 0.0) if waits.oldest else 0.0
        yield _gauge("stockhook_backlog_deliveries", "Deliveries not worked to the end.", {(): waits.deliveries})
        yield _gauge("stockhook_backlog_orders", "Orders that are to be evaluated again.", {(): waits.orders})
        yield _gauge(
            "stockhook_backlog_oldest_seconds", "How long what comes next has waited; 0 for nothing.", {(): age}
        )
        yield _gauge(
            "stockhook_events_open",
            "Events that wait, or wait for something, by state.",
            {(state.value,): standing.events.get(state, 0) for state in sorted(COUNTED)},
            ("state",),
        )
        kinds = dict.fromkeys(KINDS, 0) | dict(standing.problems)
        yield _gauge("stockhook_problems_open", "Open problems by kind.", _single(kinds), ("kind",))
        notices = dict.fromkeys(self._settings.notifiers, 0) | dict(standing.notices)
        yield _gauge("stockhook_notices_waiting", "Notices to be sent, by notifier.", _single(notices), ("notifier",))

    def _kept(self, standing: Standing) -> "Iterator[Metric]":
        yield _counter(
            "stockhook_movements",
            "Movements booked in the ledger since this daemon began, by whomever, by kind.",
            ("kind",),
            _single({kind.value: 0 for kind in MovementKind} | dict(standing.movements)),
        )
        yield _gauge(
            "stockhook_last_delivery_timestamp_seconds",
            "When the last delivery of a channel came, in seconds since 1970.",
            {(name,): moment.timestamp() for name, moment in standing.last.items()},
            ("channel",),
        )
        if (size := standing.footprint) is None:
            return
        yield _gauge("stockhook_store_database_bytes", "Size of the database.", {(): size.database})
        if size.log is not None:
            yield _gauge("stockhook_store_log_bytes", "Size of SQLite's write-ahead log.", {(): size.log})
        if size.free is not None:
            yield _gauge("stockhook_store_disk_free_bytes", "What the store's disk has left.", {(): size.free})


def _single(counts: Mapping[str, float]) -> Values:
    return {(name,): count for name, count in counts.items()}


def _counter(name: str, about: str, labels: Iterable[str], counts: Values) -> CounterMetricFamily:
    family = CounterMetricFamily(name, about, labels=tuple(labels))
    for values, count in counts.items():
        family.add_metric(values, count)
    return family


def _gauge(name: str, about: str, values: Values, labels: Iterable[str] = ()) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, about, labels=tuple(labels))
    for label, value in values.items():
        family.add_metric(label, value)
    return family


def _histogram(name: str, about: str, found: Distribution) -> HistogramMetricFamily:
    buckets: list[tuple[str, float]] = []
    seen = 0
    for bound, count in zip((*found.bounds, "+Inf"), list(found.counts), strict=True):
        seen += count
        buckets.append((str(bound), seen))
    return HistogramMetricFamily(name, about, buckets=buckets, sum_value=found.sum)
