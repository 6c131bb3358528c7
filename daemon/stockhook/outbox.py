"""The outbox: which notices a changed problem makes, so that a storm of the same problem sends few of them.

A topic is one problem, or, for kinds whose subject is an event, the kind. Per topic and notifier at most ``per_hour``
notices go out in an hour; what happens beyond is summed in one that is held back until its turn. Of one kind, too, at
most ``per_hour`` problems are told one by one in an hour; further ones are gathered for some minutes and told as a
group (a notice about ``more``, without a subject or a problem). Of these nothing more is said: that a problem goes on,
or has closed, is told to whom it was told, by itself, that it had opened.
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

GATHERED: Final = timedelta(minutes=5)
"""How long further problems of a kind are waited for before they are told as a group."""

_PAGE: Final = 100

MORE: Final = "more"
"""What a notice about a group of problems is about."""


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


@dataclass(slots=True)
class _Group:
    """What one notifier was told of one kind in the last hour: how many new problems, one by one, and when as groups.

    ``held`` gathers those that are beyond; it is dropped where all of them have closed, until another opens.
    """

    opened: int
    last: datetime | None
    held: Notice | None

    @property
    def gathers(self) -> bool:
        """Tell whether a group is waiting to be told."""
        return self.held is not None and self.held.state is NoticeState.WAITING

    def leave(self, problem: Problem) -> None:
        """Take a problem that has closed out of the group that waits, if it is one of it."""
        if self.held is None or not self.gathers or problem.first_seen < self.held.made_at:
            return
        count = self.held.count - 1
        self.held = replace(self.held, count=count) if count else replace(self.held, state=NoticeState.DROPPED)


class Outbox:
    """Gathers the notices of one unit of work."""

    def __init__(self, work: Work, subscriptions: Mapping[str, Subscription], now: datetime) -> None:
        self._work = work
        self._subscriptions = subscriptions
        self._now = now
        self._topics: dict[tuple[str, ...], _Topic] = {}
        self._groups: dict[tuple[str, str], _Group] = {}
        self._recent: list[Notice] | None = None

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
        held = [*(topic.held for topic in self._topics.values()), *(group.held for group in self._groups.values())]
        notices += [notice for notice in held if notice is not None]
        if notices:
            self._work.save(notices)

    def _tell(self, notifier: str, subscription: Subscription, problem: Problem) -> None:
        topic = self._topic(notifier, problem)
        if problem.state is ProblemState.CLOSED:
            self._tell_closed(notifier, problem, topic)
            return
        if topic.held is not None and topic.held.state is NoticeState.WAITING:
            more = 1 if problem.kind in EVENT_KINDS else 0
            topic.held = replace(topic.held, count=max(topic.held.count + more, problem.count), text=problem.text)
            return
        told = [*topic.recent, *topic.fresh]
        new = problem.first_seen == self._now
        if not told and problem.kind not in EVENT_KINDS:
            if new and self._joins(notifier, subscription, problem):
                return
            if not new and self._was_grouped(notifier, problem, topic):
                return
        if new and len(told) < subscription.per_hour:
            topic.fresh.append(self._notice(notifier, problem, "opened", self._now))
            if problem.kind not in EVENT_KINDS:
                self._group(notifier, problem.kind).opened += 1
            return
        if len(told) >= subscription.per_hour:
            due = min(notice.made_at for notice in told) + _HOUR
        else:
            due = max((n.made_at for n in told), default=self._now - _HOUR) + _HOUR / subscription.per_hour
        topic.held = self._notice(notifier, problem, "again", max(due, self._now))

    def _tell_closed(self, notifier: str, problem: Problem, topic: _Topic) -> None:
        if topic.held is not None and problem.kind not in EVENT_KINDS:
            topic.held = replace(topic.held, state=NoticeState.DROPPED)
        if self._was_told(notifier, problem, topic):
            topic.fresh.append(self._notice(notifier, problem, "closed", self._now))
        elif problem.kind not in EVENT_KINDS and topic.held is None:
            self._group(notifier, problem.kind).leave(problem)

    def _joins(self, notifier: str, subscription: Subscription, problem: Problem) -> bool:
        """Put a new problem into the group of its kind, where so many were told one by one already."""
        group = self._group(notifier, problem.kind)
        if group.opened < subscription.per_hour:
            return False
        if group.held is None:
            due = self._now + GATHERED
            if group.last is not None:
                due = max(due, group.last + _HOUR / subscription.per_hour)
            first = replace(problem, id=0, subject="", count=1, account=None, order_id=None, event_id=None)
            group.held = self._notice(notifier, first, MORE, due)
        else:
            state, count = NoticeState.WAITING, group.held.count + 1 if group.gathers else 1
            due = max(group.held.due_at, self._now)
            group.held = replace(group.held, state=state, count=count, text=problem.text, due_at=due)
        return True

    def _was_grouped(self, notifier: str, problem: Problem, topic: _Topic) -> bool:
        """Tell whether a problem was, or will be, told in a group alone: one was gathered when it opened."""
        where = {"kind": problem.kind, "subject": "", "notifier": notifier, "about": MORE}
        before = Range(high=problem.first_seen + timedelta(microseconds=1))
        groups = self._work.find(Notice, where | {"made_at": before}, most=1)
        gathered = any(problem.first_seen <= group.due_at for group in groups)
        return gathered and not self._was_told(notifier, problem, topic)

    def _group(self, notifier: str, kind: str) -> _Group:
        if (notifier, kind) not in self._groups:
            lately = [one for one in self._lately() if (one.notifier, one.kind) == (notifier, kind)]
            where = {"kind": kind, "subject": "", "notifier": notifier, "state": NoticeState.WAITING, "about": MORE}
            held = next(iter(self._work.find(Notice, where, most=1)), None)
            last = max((one.due_at for one in lately if one.about == MORE), default=None)
            self._groups[notifier, kind] = _Group(sum(one.about == "opened" for one in lately), last, held)
        return self._groups[notifier, kind]

    def _lately(self) -> list[Notice]:
        """Return the notices made in the last hour; read by their ids, so that it costs what it finds."""
        if self._recent is None:
            self._recent = []
            after: tuple[int, ...] | None = None
            while found := self._work.find(Notice, after=after, most=_PAGE):
                self._recent += [one for one in found if one.made_at >= self._now - _HOUR]
                if found[-1].made_at < self._now - _HOUR:
                    break
                after = (found[-1].id,)
        return self._recent

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
