"""The outbox: which notices a changed problem makes, so that a storm of the same problem sends few of them.

A topic is one problem, or, for kinds whose subject is an event, the kind. Per topic and notifier at most ``per_hour``
notices go out in an hour; what happens beyond is summed in one that is held back until its turn. That a problem has
closed is told to whom it was told that it had opened.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from stockhook.model import Notice, NoticeState, Problem, ProblemState
from stockhook.store import FOREVER, Range, Work

EVENT_KINDS: Final = frozenset({"wrong-merchant", "bad-lines", "quarantined", "dead-letter"})
"""Problems whose subject is an event: a storm of them is one storm, although each is a problem of its own."""

_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Subscription:
    """What one notifier wants to hear: kinds (None: all), and how many messages an hour about one topic."""

    on: frozenset[str] | None = None
    per_hour: int = 5


@dataclass(slots=True)
class _Topic:
    """What one notifier was told about one topic in the last hour; ``held`` waits for its turn."""

    recent: list[Notice]
    held: Notice | None
    fresh: list[Notice] = field(default_factory=list)


class Outbox:
    """Gathers the notices of one unit of work."""

    def __init__(self, work: Work, subscriptions: Mapping[str, Subscription], now: datetime) -> None:
        self._work = work
        self._subscriptions = subscriptions
        self._now = now
        self._topics: dict[tuple[str, ...], _Topic] = {}

    def tell(self, problem: Problem) -> None:
        """Tell each notifier that wants to hear of a problem that has changed; an acknowledged one is known."""
        if problem.state is ProblemState.ACKNOWLEDGED:
            return
        for notifier, subscription in self._subscriptions.items():
            if subscription.on is None or problem.kind in subscription.on:
                self._tell(notifier, subscription, problem)

    def save(self) -> None:
        """Put what was gathered into the store."""
        notices = [notice for topic in self._topics.values() for notice in topic.fresh]
        notices += [topic.held for topic in self._topics.values() if topic.held is not None]
        if notices:
            self._work.save(notices)

    def _tell(self, notifier: str, subscription: Subscription, problem: Problem) -> None:
        topic = self._topic(notifier, problem)
        if problem.state is ProblemState.CLOSED:
            if topic.held is not None and problem.kind not in EVENT_KINDS:
                topic.held = replace(topic.held, state=NoticeState.DROPPED)
            if self._was_told(notifier, problem, topic):
                topic.fresh.append(self._notice(notifier, problem, "closed", self._now))
            return
        if topic.held is not None and topic.held.state is NoticeState.WAITING:
            more = 1 if problem.kind in EVENT_KINDS else 0
            topic.held = replace(topic.held, count=max(topic.held.count + more, problem.count), text=problem.text)
            return
        told = [*topic.recent, *topic.fresh]
        if problem.first_seen == self._now and len(told) < subscription.per_hour:
            topic.fresh.append(self._notice(notifier, problem, "opened", self._now))
            return
        if len(told) >= subscription.per_hour:
            due = min(notice.made_at for notice in told) + _HOUR
        else:
            due = max((n.made_at for n in told), default=self._now - _HOUR) + _HOUR / subscription.per_hour
        topic.held = self._notice(notifier, problem, "again", max(due, self._now))

    def _was_told(self, notifier: str, problem: Problem, topic: _Topic) -> bool:
        """Tell whether a notifier has had, or will have, a notice of this very problem, and not of its storm alone."""
        dropped = topic.held.id if topic.held is not None and topic.held.state is NoticeState.DROPPED else 0
        kept = self._work.find(Notice, {"problem_id": problem.id, "notifier": notifier}, most=FOREVER)
        return any(
            notice.about != "closed" and notice.state is not NoticeState.DROPPED and notice.id != dropped
            for notice in kept
        )

    def _topic(self, notifier: str, problem: Problem) -> _Topic:
        one_storm = problem.kind in EVENT_KINDS
        key = (notifier, problem.kind) if one_storm else (notifier, problem.kind, problem.subject)
        if key not in self._topics:
            where: dict[str, object] = {"kind": problem.kind, "notifier": notifier}
            if not one_storm:
                where["subject"] = problem.subject
            recent = self._work.find(Notice, where | {"made_at": Range(low=self._now - _HOUR)}, most=FOREVER)
            waiting = self._work.find(Notice, where | {"state": NoticeState.WAITING, "about": "again"}, most=1)
            held = waiting[0] if waiting else None
            self._topics[key] = _Topic([n for n in recent if n.about != "closed" and n != held], held)
        return self._topics[key]

    def _notice(self, notifier: str, problem: Problem, about: str, due_at: datetime) -> Notice:
        return Notice(
            id=0,
            notifier=notifier,
            about=about,
            problem_id=problem.id,
            kind=problem.kind,
            subject=problem.subject,
            text=problem.text,
            count=problem.count,
            made_at=self._now,
            due_at=due_at,
            account=problem.account,
            order_id=problem.order_id,
            event_id=problem.event_id,
        )
