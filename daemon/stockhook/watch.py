"""What a person should hear of that no single event tells: silence, low stock, an old backlog, a low disk and more.

Each is a rule over what the store says at one moment. A problem of these kinds opens once, and closes by itself when
its rule no longer holds; one that a person has acknowledged stays quiet until then.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from stockhook import problems
from stockhook.batch import Policies
from stockhook.draft import Signal
from stockhook.errors import StoreUnavailable
from stockhook.model import Item, Location, Problem, ProblemState, Unit
from stockhook.operations.deliveries import newest_of
from stockhook.operations.desk import Desk
from stockhook.outbox import Subscription
from stockhook.problems import Occurrence, Report
from stockhook.quantity import text
from stockhook.refusals import Alarm, Refusals
from stockhook.settings import ConfiguredChannel, Settings
from stockhook.store import FOREVER, Measured, Range, Read, Work

OLD: Final = timedelta(minutes=15)
"""How late a delivery or an order may be whose turn has come; one that waits for its next try is not late."""

_KNOWN: Final = frozenset({ProblemState.OPEN, ProblemState.ACKNOWLEDGED})
_DAEMON: Final = "daemon"
_MIB: Final = 2**20


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a problem stands, in words, and the channel that it is about."""

    words: str
    channel: str | None = None


class Watch:
    """Looks at the store and tells what stands; one daemon does for all that share it, see ``Store.leads``."""

    def __init__(self, desk: Desk, settings: Settings, refusals: Refusals) -> None:
        """Take the desk, what config says of channels and limits, and what this daemon's listener has refused."""
        self._desk = desk
        self._settings = settings
        self._refusals = refusals
        self._began = desk.clock.now()

    def look(self) -> bool:
        """Open and close problems, and tell whether any changed; raises StoreUnavailable."""
        changed = self._tell_refusals()
        if not self._desk.store.leads("watch"):
            return changed
        with self._desk.store.read() as view:
            if not self._differs(view):
                return changed
        with self._desk.store.write() as work:
            now = self._desk.clock.now()
            for kind, causes in self._causes(work):
                self._bring_in_line(work, kind, causes, now)
        return True

    def notifier(self, name: str, error: str | None) -> None:
        """Tell that a notifier fails, or (None) that it works; not by itself, which would have to wait for itself."""
        desk = self._desk
        if error is None:
            with desk.store.read() as view:
                if not any(one.subject == name for one in _kept(view, "notifier-failing")):
                    return
        others = {each: rest for each, rest in desk.subscriptions.items() if each != name}
        with desk.store.write() as work:
            causes = {} if error is None else {name: Cause(f"the notifier {name} fails, its messages wait: {error}")}
            kept = [one for one in _kept(work, "notifier-failing") if one.subject == name]
            _save(work, kept, "notifier-failing", causes, others, desk.clock.now())

    def _tell_refusals(self) -> bool:
        heard = self._refusals.take()
        try:
            return bool(heard) and self._tell(heard)
        except StoreUnavailable:
            self._refusals.put_back(heard)
            raise

    def _tell(self, heard: Sequence[Alarm]) -> bool:
        with self._desk.store.write() as work:
            quiet = {one.subject for one in _kept(work, "refused-deliveries") if one.state is ProblemState.ACKNOWLEDGED}
            report = Report(happened=[_occurrence(alarm) for alarm in heard if alarm.channel not in quiet])
            problems.record(work, report, self._desk.subscriptions, self._desk.clock.now())
        return bool(report)

    def _differs(self, view: Read) -> bool:
        for kind, causes in self._causes(view):
            kept = {one.subject: one for one in _kept(view, kind)}
            if kept.keys() != causes.keys():
                return True
            if any(one.state is ProblemState.OPEN and one.text != causes[one.subject].words for one in kept.values()):
                return True
        return False

    def _bring_in_line(self, work: Work, kind: str, causes: Mapping[str, Cause], now: datetime) -> None:
        _save(work, _kept(work, kind), kind, causes, self._desk.subscriptions, now)

    def _causes(self, view: Read) -> Iterator[tuple[str, Mapping[str, Cause]]]:
        """Yield each kind with what stands of it, by subject."""
        yield "channel-silent", self._silent(view)
        yield "refused-deliveries", self._refused(view)
        yield "low-stock", low_stock(view, self._desk.policies, self._desk.clock.now())
        yield "backlog-old", self._backlog(view)
        yield "disk-low", self._disk()
        failing = {one.subject: Cause(one.text) for one in _kept(view, "notifier-failing")}
        yield "notifier-failing", {name: cause for name, cause in failing.items() if name in self._settings.notifiers}

    def _silent(self, view: Read) -> Mapping[str, Cause]:
        known = {one.subject for one in _kept(view, "channel-silent")}
        now = self._desk.clock.now()
        causes = {}
        for name, channel in self._settings.channels.items():
            if channel.silence is None:
                continue
            newest = newest_of(view, name)
            last = newest.received_at if newest else None
            if is_silent(channel, last or self._began, now, known=name in known) or (last is None and name in known):
                since = "ever" if last is None else f"since {last:%Y-%m-%d %H:%M} UTC"
                causes[name] = Cause(f"no delivery has come from {name} {since}", name)
        return causes

    def _refused(self, view: Read) -> Mapping[str, Cause]:
        """Keep what has been told until a delivery has been accepted since."""
        causes = {}
        for problem in (one for one in _kept(view, "refused-deliveries") if one.subject in self._settings.channels):
            newest = newest_of(view, problem.subject)
            if newest is None or newest.received_at <= problem.last_seen:
                causes[problem.subject] = Cause(problem.text, problem.channel)
        return causes

    def _backlog(self, view: Read) -> Mapping[str, Cause]:
        late = self._desk.clock.now() - OLD
        due = view.due(late, 1)
        for delivery in due.deliveries:
            if (delivery.due_at or delivery.received_at) <= late:  # one that was never tried is due at any moment
                came = f"delivery {delivery.id} came at {delivery.received_at:%Y-%m-%d %H:%M} UTC"
                return {_DAEMON: Cause(f"{came} and is not worked")}
        for order in due.orders:
            return {_DAEMON: Cause(f"order {order.account}/{order.order_id} was to be worked again and is not")}
        return {}

    def _disk(self) -> Mapping[str, Cause]:
        store, wanted = self._desk.store, self._settings.limits.disk_free
        free = store.footprint().free if isinstance(store, Measured) else None
        if free is None or free >= wanted:
            return {}
        return {_DAEMON: Cause(f"the disk of the store has less than {wanted // _MIB} MiB left (limits.disk_free)")}


def is_silent(channel: ConfiguredChannel, last: datetime, now: datetime, *, known: bool) -> bool:
    """Tell whether so much of a channel's hours has passed without a delivery; it is first told within its hours."""
    silence, zone = channel.silence, channel.rules.time_zone
    if silence is None:
        return False
    passed = silence.hours.between(last, now, zone, silence.after)
    return passed >= silence.after and (known or silence.hours.open(now, zone))


def low_stock(view: Read, policies: Policies, now: datetime) -> Mapping[str, Cause]:
    """Return the items of which no more than their mark is left that orders may take.

    Pickable, not held, and, for an order of some channel that ships today from whatever distribution center, in a
    location to take from and good for long enough.
    """
    items = {item.sku: item for item in view.find(Item, {"reorder_at": Range(low=0)}, most=FOREVER)}
    if not items:
        return {}
    channels = policies.rules.values() or [policies.rules_for("")]
    todays = [(rules, now.astimezone(rules.time_zone).date()) for rules in channels]
    limits = {
        sku: [(each.limits(item), today) for rules, today in todays for each in policies.choices.all_of(rules, sku)]
        for sku, item in items.items()
    }
    closed = {place.path for place in view.find(Location, {"pickable": False}, most=FOREVER)}
    left = dict.fromkeys(items, 0)
    goods = {"sku": frozenset(items), "held": False, "suspense": False}
    for total in view.totals(Unit, ("sku", "location", "expires_on"), goods):
        sku, location, expires_on = total.by
        if location not in closed and any(each.allow(location, expires_on, today) for each, today in limits[sku]):
            left[sku] += total.amount
    return {
        sku: Cause(
            f"{text(left[sku])} of {sku} left that orders may take; it is to be reordered at {text(item.reorder_at)}"
        )
        for sku, item in items.items()
        if item.reorder_at is not None and left[sku] <= item.reorder_at
    }


def _occurrence(alarm: Alarm) -> Occurrence:
    how = "with its own path but wrong credentials" if alarm.right_path else "in an hour"
    words = f"{alarm.count} requests to {alarm.channel} were refused {how}"
    return Occurrence(Signal("refused-deliveries", alarm.channel, words), alarm.channel)


def _kept(view: Read, kind: str) -> list[Problem]:
    return view.find(Problem, {"kind": kind, "state": _KNOWN}, most=FOREVER)


def _save(
    work: Work,
    kept: list[Problem],
    kind: str,
    causes: Mapping[str, Cause],
    subscriptions: Mapping[str, Subscription],
    now: datetime,
) -> None:
    """Open what stands and is not known, close what is known and does not stand, and renew the words of the rest."""
    quiet: list[Problem] = []
    told: list[Problem] = []
    for problem in kept:
        cause = causes.get(problem.subject)
        if cause is None:
            ended = replace(problem, state=ProblemState.CLOSED, last_seen=now)
            (told if problem.state is ProblemState.OPEN else quiet).append(ended)
        elif problem.state is ProblemState.OPEN and problem.text != cause.words:
            quiet.append(replace(problem, text=cause.words))
    known = {problem.subject for problem in kept}
    for subject, cause in causes.items():
        if subject not in known:
            state = ProblemState.OPEN
            told.append(Problem(0, kind, subject, state, 1, now, now, cause.words, channel=cause.channel))
    if quiet:
        work.save(quiet)
    problems.save(work, told, subscriptions, now)
