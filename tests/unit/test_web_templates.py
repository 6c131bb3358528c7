"""How quantities, moments, sizes and states are written on pages."""

from datetime import UTC, datetime, timedelta

import jinja2
import pytest

from stockhook.model import DeliveryState, EventState, NoticeState, ProblemState
from stockhook.quantity import ONE
from stockhook.web import templates

NOON = datetime(2026, 12, 1, 12, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "just now"),
        (0, "just now"),
        (2, "2 seconds ago"),
        (119, "119 seconds ago"),
        (120, "2 minutes ago"),
        (7199, "119 minutes ago"),
        (7200, "2 hours ago"),
        (172799, "47 hours ago"),
        (172800, "2 days ago"),
    ],
)
def test_an_age_is_written_in_the_unit_that_fits(seconds: int, words: str) -> None:
    assert templates.words(timedelta(seconds=seconds)) == words


def test_a_moment_carries_its_second_and_zone_in_the_title() -> None:
    expected = '<time datetime="2026-12-01T12:00:05+00:00" title="2026-12-01 12:00:05 UTC">2026-12-01 12:00</time>'
    assert templates.time(NOON) == expected
    assert templates.time(None) == templates.age(None, NOON) == templates.NONE


@pytest.mark.parametrize(("count", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (10 * 2**20, "10.0 MiB")])
def test_sizes_are_written_as_people_do(count: int, text: str) -> None:
    assert templates.size(count) == text


@pytest.mark.parametrize(
    ("quantity", "text"), [(ONE, "1"), (-ONE // 2, "\N{MINUS SIGN}0.5"), (0, "0"), (None, templates.NONE)]
)
def test_quantities_have_no_trailing_zeros_and_a_true_minus(quantity: int | None, text: str) -> None:
    assert templates.amount(quantity) == text


def test_what_stands_between_backticks_is_code_and_all_of_it_is_escaped() -> None:
    assert templates.commands("do `a <b>` & go") == "do <code>a &lt;b&gt;</code> &amp; go"


@pytest.mark.parametrize("state", [*EventState, *DeliveryState, *ProblemState, NoticeState.WAITING])
def test_every_state_on_a_page_is_explained(state: str) -> None:
    assert templates.STATES[state] in templates.state(state)


def test_addresses_take_any_name_for_one_step_of_the_path() -> None:
    assert templates.item_path("A/B ?#%") == "/items/A%2FB%20%3F%23%25"
    assert templates.order_path("ultracart:DEMO", "D/1") == "/orders/ultracart:DEMO/D%2F1"


def test_a_value_that_is_missing_is_an_error_and_not_a_blank() -> None:
    with pytest.raises(jinja2.UndefinedError):
        templates.render("unit.html")
