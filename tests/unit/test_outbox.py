from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from stockhook import problems
from stockhook.model import Notice, NoticeState, Problem, ProblemState
from stockhook.outbox import Subscription
from stockhook.testing import factories as make
from stockhook.testing.clock import ManualClock
from stockhook_plugins.stores.memory import MemoryStore

HOUR = timedelta(hours=1)


class Office:
    """A store with its outbox, a clock, and a dispatcher that sends what is due at once."""

    def __init__(self, **subscriptions: Subscription) -> None:
        self.store = MemoryStore()
        self.store.open()
        self.clock = ManualClock()
        self.subscriptions = subscriptions or {"office": Subscription()}

    def save(self, *changed: Problem) -> list[Problem]:
        with self.store.write() as work:
            problems.save(work, changed, self.subscriptions, self.clock.now())
            return [work.find(Problem, {"kind": one.kind, "subject": one.subject}, most=1)[0] for one in changed]

    def open(self, kind: str = "no-items", subject: str = "shop") -> Problem:
        now = self.clock.now()
        return self.save(make.problem(kind, subject, first_seen=now, last_seen=now))[0]

    def again(self, problem: Problem, text: str = "once more") -> Problem:
        return self.save(replace(problem, count=problem.count + 1, last_seen=self.clock.now(), text=text))[0]

    def close(self, problem: Problem) -> None:
        self.save(replace(problem, state=ProblemState.CLOSED, last_seen=self.clock.now()))

    def notices(self, state: NoticeState | None = None) -> Sequence[Notice]:
        with self.store.read() as view:
            found = view.find(Notice, {"state": state} if state else None, most=10_000)
        return list(reversed(found))

    def send(self) -> list[Notice]:
        """Send what is due and return it."""
        due = [one for one in self.notices(NoticeState.WAITING) if one.due_at <= self.clock.now()]
        with self.store.write() as work:
            work.save([replace(one, state=NoticeState.SENT, sent_at=self.clock.now()) for one in due])
        return due


def told(notices: Sequence[Notice]) -> list[tuple[str, int]]:
    return [(notice.about, notice.count) for notice in notices]


@pytest.fixture
def office() -> Office:
    return Office()


def test_a_new_problem_is_told_at_once(office: Office) -> None:
    problem = office.open()
    (notice,) = office.send()
    assert (notice.about, notice.problem_id, notice.kind, notice.notifier) == (
        "opened",
        problem.id,
        "no-items",
        "office",
    )


def test_each_notifier_hears_what_it_asked_for() -> None:
    office = Office(
        all=Subscription(), stock=Subscription(frozenset({"insufficient-inventory"})), none=Subscription(frozenset())
    )
    office.open("no-items")
    office.open("insufficient-inventory", "A")
    assert Counter((one.notifier, one.kind) for one in office.send()) == {
        ("all", "no-items"): 1,
        ("all", "insufficient-inventory"): 1,
        ("stock", "insufficient-inventory"): 1,
    }


def test_a_storm_of_one_problem_is_told_a_few_times_an_hour_and_summed(office: Office) -> None:
    problem = office.open()
    sent = office.send()
    for _ in range(3600):
        office.clock.advance(timedelta(seconds=1))
        problem = office.again(problem)
        sent += office.send()
    assert 2 <= len(sent) <= 6
    office.clock.advance(HOUR)
    sent += office.send()
    assert sent[-1].count == 3601, "the last word knows of every occurrence"


def test_a_storm_of_many_events_is_one_storm(office: Office) -> None:
    sent = []
    for number in range(500):
        office.clock.advance(timedelta(seconds=1))
        office.open("quarantined", str(number))
        sent += office.send()
    assert len(sent) <= 6
    office.clock.advance(HOUR)
    sent += office.send()
    assert [notice.about for notice in sent].count("opened") == 5
    assert sum(notice.count for notice in sent) >= 500


def test_a_storm_within_one_unit_of_work_is_one_storm(office: Office) -> None:
    now = office.clock.now()
    office.save(*(make.problem("bad-lines", str(n), first_seen=now, last_seen=now) for n in range(100)))
    assert Counter(notice.about for notice in office.notices()) == {"opened": 5, "again": 1}
    assert office.notices(NoticeState.WAITING)[-1].count == 95


def test_one_event_that_came_through_does_not_silence_the_storm_of_the_others(office: Office) -> None:
    opened = [office.open("quarantined", str(number)) for number in range(20)]
    office.send()
    office.close(opened[0])
    office.close(opened[12])
    assert told(office.send()) == [("closed", 1)], "of the thirteenth nothing had been said by itself"
    office.clock.advance(HOUR)
    assert told(office.send()) == [("again", 15)]


def test_events_that_all_come_through_by_replay_are_no_storm_either(office: Office) -> None:
    opened = [office.open("dead-letter", str(number)) for number in range(200)]
    office.send()
    for problem in opened:
        office.close(problem)
    assert len(office.send()) <= 6


def test_a_problem_that_flaps_is_told_a_few_times_an_hour(office: Office) -> None:
    sent = []
    for _ in range(100):
        office.clock.advance(timedelta(seconds=10))
        problem = office.open()
        sent += office.send()
        office.clock.advance(timedelta(seconds=10))
        office.close(problem)
        sent += office.send()
    assert Counter(notice.about for notice in sent) == {"opened": 5, "closed": 5}


def test_that_it_closed_is_told_to_whom_it_was_told_that_it_had_opened(office: Office) -> None:
    problem = office.open()
    office.send()
    office.clock.advance(timedelta(minutes=1))
    problem = office.again(problem)
    office.close(problem)
    assert told(office.send()) == [("closed", 2)]
    office.clock.advance(HOUR)
    assert office.send() == [], "what was held back about it is dropped"


def test_a_problem_that_opens_and_closes_in_one_unit_of_work_still_has_both_notices(office: Office) -> None:
    problem = office.open()
    office.close(problem)
    assert told(office.send()) == [("opened", 1), ("closed", 1)]


def test_what_a_person_acknowledged_is_told_to_nobody(office: Office) -> None:
    problem = office.open()
    office.send()
    office.save(replace(problem, state=ProblemState.ACKNOWLEDGED))
    assert office.send() == []


def test_many_new_problems_of_a_kind_are_told_in_one_notice_beyond_the_first(office: Office) -> None:
    for number in range(60):
        office.open("unknown-item", f"ultracart:DEMO/X{number}")
    assert told(office.send()) == [("opened", 1)] * 5
    office.clock.advance(timedelta(minutes=5))
    (group,) = office.send()
    assert (group.about, group.count, group.kind, group.subject, group.problem_id) == (
        "more",
        55,
        "unknown-item",
        "",
        0,
    )


def test_within_one_unit_of_work_many_new_problems_are_a_group_too(office: Office) -> None:
    now = office.clock.now()
    office.save(*(make.problem("insufficient-inventory", f"S-{n}", first_seen=now, last_seen=now) for n in range(60)))
    assert Counter(notice.about for notice in office.notices()) == {"opened": 5, "more": 1}


def test_problems_that_go_on_opening_are_told_in_a_few_groups_an_hour(office: Office) -> None:
    sent = []
    for number in range(600):
        office.clock.advance(timedelta(seconds=6))
        office.open("unknown-item", f"ultracart:DEMO/X{number}")
        sent += office.send()
    office.clock.advance(HOUR)
    sent += office.send()
    groups = [notice for notice in sent if notice.about == "more"]
    assert 4 <= len(groups) <= 6
    assert sum(notice.count for notice in sent) == 600


def test_kinds_and_notifiers_have_groups_of_their_own() -> None:
    office = Office(one=Subscription(per_hour=1), two=Subscription(per_hour=2))
    for subject in "AB":
        office.open("unknown-item", subject)
        office.open("insufficient-inventory", subject)
    assert Counter((notice.notifier, notice.about) for notice in office.notices()) == {
        ("one", "opened"): 2,
        ("one", "more"): 2,
        ("two", "opened"): 4,
    }


def test_of_problems_that_were_told_as_a_group_nothing_more_is_said_one_by_one(office: Office) -> None:
    opened = [office.open("unknown-item", f"X{number}") for number in range(60)]
    office.send()
    office.clock.advance(timedelta(seconds=1))
    opened = [office.again(problem) for problem in opened]
    office.clock.advance(timedelta(minutes=5))
    (group,) = [notice for notice in office.send() if notice.about == "more"]
    assert group.count == 55
    office.clock.advance(timedelta(minutes=1))
    for problem in opened:
        office.close(problem)
    assert Counter(notice.about for notice in office.send()) == {"closed": 5}


@pytest.mark.parametrize("minutes", [1, 10, 70])
def test_problems_of_a_group_that_go_on_are_told_no_more_and_counted_once(office: Office, minutes: int) -> None:
    opened = []
    for number in range(12):
        opened.append(office.open("unknown-item", f"X{number}"))
        office.clock.advance(timedelta(seconds=1))
    sent = office.send()
    for _ in range(140 // minutes):
        office.clock.advance(timedelta(minutes=minutes))
        opened = [office.again(problem) for problem in opened]
        sent += office.send()
    assert [one.count for one in sent if one.about == "more"] == [7]
    assert {one.problem_id for one in sent if one.about == "again"} <= {problem.id for problem in opened[:5]}
    for problem in opened:
        office.close(problem)
    office.clock.advance(HOUR)
    assert Counter(one.about for one in office.send()) == {"closed": 5}, "no group is left of what is over"


def test_of_one_that_flapped_too_often_to_be_told_its_end_takes_nothing_from_the_group(office: Office) -> None:
    for _ in range(5):
        office.close(office.open("unknown-item", "X"))
    for number in range(2):
        office.open("unknown-item", f"Y{number}")
    office.clock.advance(timedelta(seconds=1))
    office.close(office.open("unknown-item", "X"))
    office.clock.advance(timedelta(minutes=5))
    assert [one.count for one in office.send() if one.about == "more"] == [2]


def test_what_has_settled_before_its_group_is_told_is_none_of_it(office: Office) -> None:
    opened = [office.open("unknown-item", f"X{number}") for number in range(8)]
    office.send()
    office.clock.advance(timedelta(minutes=1))
    office.close(opened[0])
    office.close(opened[6])
    office.clock.advance(timedelta(minutes=5))
    assert [(one.about, one.count) for one in office.send()] == [("more", 2), ("closed", 1)]
    opened = [*opened, *(office.open("unknown-item", f"Y{number}") for number in range(2))]
    for problem in opened[8:]:
        office.close(problem)
    office.clock.advance(HOUR)
    assert office.send() == [], "nothing is left to tell"


def test_where_the_last_of_a_group_closes_as_another_opens_one_group_is_told_of_that_alone(office: Office) -> None:
    opened = [office.open("unknown-item", f"X{number}") for number in range(6)]
    office.send()
    now = office.clock.advance(timedelta(minutes=1))
    office.save(
        replace(opened[5], state=ProblemState.CLOSED, last_seen=now),
        make.problem("unknown-item", "Y", first_seen=now, last_seen=now, text="of Y"),
    )
    office.clock.advance(2 * HOUR)
    assert [(one.about, one.count, one.text) for one in office.send()] == [("more", 1, "of Y")]


def test_one_more_problem_after_a_quiet_hour_is_told_by_itself(office: Office) -> None:
    for number in range(9):
        office.open("unknown-item", f"X{number}")
    office.clock.advance(2 * HOUR)
    office.send()
    office.clock.advance(2 * HOUR)
    office.open("unknown-item", "Y")
    assert told(office.send()) == [("opened", 1)]


def test_a_quiet_topic_starts_afresh_after_an_hour(office: Office) -> None:
    for _ in range(7):
        problem = office.open()
        office.close(problem)
    office.send()
    office.clock.advance(2 * HOUR)
    office.open()
    assert told(office.send()) == [("opened", 1)]


def test_per_hour_is_what_the_notifier_asked_for() -> None:
    office = Office(one=Subscription(per_hour=1))
    sent = []
    problem = office.open()
    for _ in range(120):
        sent += office.send()
        office.clock.advance(timedelta(minutes=1))
        problem = office.again(problem)
    assert 2 <= len(sent) <= 3
