"""The daily word: once a day, whatever is restarted, and what stands in it."""

from datetime import timedelta
from pathlib import Path

import pytest

from stockhook.advice import advise
from stockhook.model import Movement, Notice
from stockhook.operations.stock.reversals import undo
from stockhook.summary import MOST, Summary
from stockhook.testing.pages import Pages, open_pages
from stockhook.testing.payloads import envelope, line, order_ship

HOUR = timedelta(hours=1)


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pages:
    monkeypatch.setattr("stockhook.testing.pages.CONFIG", CONFIG)
    pages = open_pages(tmp_path)
    local = pages.shop.clock.now().astimezone(pages.shop.rules.time_zone)
    pages.shop.clock.advance(local.replace(hour=5, minute=0) + timedelta(days=1) - local)
    return pages


CONFIG = """
[channels.shop]
merchant_id = "DEMO"
token = "a-token-for-tests-of-thirty-two-letters"
[notifiers.office]
type = "log"
summary = "07:30"
[notifiers.phone]
type = "log"
"""


def look(pages: Pages, after: timedelta = timedelta(0)) -> bool:
    """Look with a fresh one each time, as after a restart."""
    pages.shop.clock.advance(after)
    return Summary(pages.shop.desk, pages.settings).look()


def notices(pages: Pages) -> list[Notice]:
    return list(reversed(pages.shop.find(Notice, kind="summary")))


def test_it_comes_once_a_day_at_its_time_in_the_channels_zone_to_who_wants_it(pages: Pages) -> None:
    assert [look(pages), look(pages, 2 * HOUR), look(pages, HOUR / 2), look(pages, HOUR)] == [False, False, True, False]
    assert look(pages, 13 * HOUR) is False
    assert look(pages, 12 * HOUR) is True  # late, since the daemon was away at half past seven
    first, second = notices(pages)
    assert (first.notifier, first.about, first.problem_id) == ("office", "summary", 0)
    assert second.subject > first.subject
    assert advise(first).title == "Summary of"


def test_it_says_what_moved_since_the_last_one_what_waits_and_what_is_owed(pages: Pages) -> None:
    shop = pages.shop
    shop.stock(SOAP=10)
    look(pages, 3 * HOUR)
    shop.stock(CLOCK=1)
    shop.send(envelope(order_ship("D-1", [line("SOAP", 2), line("CLOCK", 3, index=2)])))
    shop.send(envelope(order_ship("D-2", [line("WHAT", 1)])))
    look(pages, 24 * HOUR)
    first, second = notices(pages)
    assert first.text == "Received: 10 of SOAP.\nNo event waits.\nNo problem is open.\nNothing is owed."
    assert second.text.splitlines() == [
        "Shipped: 2 of SOAP, 1 of CLOCK.",
        "Received: 1 of CLOCK.",
        "Events that wait: 1 parked, 1 short.",
        "Open problems: 1 insufficient-inventory, 1 unknown-item.",
        "Owed: 2 of CLOCK.",
    ]


@pytest.mark.parametrize(("beyond", "told"), [(0, ""), (1, ", and 1 other item"), (2, ", and 2 other items")])
def test_of_many_items_it_names_some_and_counts_the_others(pages: Pages, beyond: int, told: str) -> None:
    pages.shop.stock(**{f"SOAP-{number:02}": 1 for number in range(MOST + beyond)})
    look(pages, 3 * HOUR)
    assert notices(pages)[0].text.splitlines()[0].endswith(f"1 of SOAP-{MOST - 1:02}{told}.")


def test_on_a_day_without_anything_it_says_so(pages: Pages) -> None:
    look(pages, 3 * HOUR)
    assert notices(pages)[0].text == "Nothing moved.\nNo event waits.\nNo problem is open.\nNothing is owed."


def test_only_the_daemon_that_leads_tells(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(pages.shop.store), "leads", lambda *_: False)
    assert look(pages, 9 * HOUR) is False


def test_what_a_person_undid_counts_against_what_it_was_and_was_never_shipped(pages: Pages) -> None:
    shop = pages.shop
    shop.stock(SOAP=10)
    look(pages, 3 * HOUR)
    shop.items("CLOCK")
    [unit] = shop.receive(("CLOCK", 100)).units
    [wrong] = shop.find(Movement, unit_id=unit.id)
    shop.send(envelope(order_ship("D-1", [line("SOAP", 2)])))
    undo(shop.desk, wrong.id, "typed one nought too many")
    look(pages, 24 * HOUR)
    assert notices(pages)[1].text.splitlines()[0:2] == ["Shipped: 2 of SOAP.", "No event waits."]


def test_after_days_of_standing_still_it_says_what_moved_since_the_last_one(pages: Pages) -> None:
    shop = pages.shop
    look(pages, 3 * HOUR)
    shop.stock(SOAP=10)
    shop.clock.advance(2 * HOUR * 24)
    shop.stock(CLOCK=1)
    look(pages, 24 * HOUR)
    assert notices(pages)[1].text.splitlines()[0] == "Received: 10 of SOAP, 1 of CLOCK."


def test_what_is_committed_behind_a_word_that_is_younger_is_in_the_next_one_and_in_no_other(pages: Pages) -> None:
    shop = pages.shop
    shop.stock(SOAP=10)
    shop.clock.advance(2 * HOUR + HOUR / 2)
    shop.send(envelope(order_ship("D-1", [line("SOAP", 2)])))
    look(pages, timedelta(minutes=4))
    shop.clock.advance(-timedelta(seconds=30))  # a batch that began before
    shop.deliver(envelope(order_ship("D-2", [line("SOAP", 5)])), after=timedelta(0))
    shop.work()
    look(pages, 24 * HOUR)
    look(pages, 24 * HOUR)
    assert [notice.text.splitlines()[0] for notice in notices(pages)] == [
        "Received: 10 of SOAP.",
        "Shipped: 7 of SOAP.",
        "Nothing moved.",
    ]
