"""Which locations and which strategy a need gets: rules in order, and what they leave out from above."""

from typing import Any

import pytest

from stockhook.choice import AllocationRule, Choices
from stockhook.model import Item
from stockhook.rules import ChannelRules
from stockhook.strategy import method
from stockhook_plugins.strategies.expiry import Fefo
from stockhook_plugins.strategies.received import Fifo

FIFO = method(Fifo(Fifo.Options()))
FEFO = method(Fefo(Fefo.Options()), min_shelf_life_days=30, last_day_good=False)
SHOP = ChannelRules("shop", centers={"west": ("WEST",), "vendor": None}, locations=("MAIN/FG",))
OUTLET = ChannelRules("outlet")


def rule(number: int = 1, **fields: Any) -> AllocationRule:
    return AllocationRule(number, **fields)


def chosen(*rules: AllocationRule, sku: str = "SOAP-1", center: str | None = None, channel: ChannelRules = SHOP) -> Any:
    found = Choices(FIFO, rules).choose(channel, sku, center)
    return found.words, found.locations, found.method.strategy


@pytest.mark.parametrize(
    ("channel", "center", "expected"),
    [
        (SHOP, None, ("the locations of [allocation]", ("MAIN/FG",), "fifo")),
        (SHOP, "West", ("distribution center West", ("WEST",), "fifo")),
        (SHOP, "EAST", ("the locations of [allocation]", ("MAIN/FG",), "fifo")),
        (OUTLET, "West", ("any location", (), "fifo")),
    ],
)
def test_without_a_rule_locations_come_from_the_center_then_from_the_allocation(
    channel: ChannelRules, center: str | None, expected: object
) -> None:
    assert chosen(center=center, channel=channel) == expected


@pytest.mark.parametrize(
    ("match", "matches"),
    [
        ({"item": "SOAP-1"}, True),
        ({"item": "soap-*"}, True),
        ({"item": " SOAP-? "}, True),
        ({"item": "*"}, True),
        ({"item": "SOAP"}, False),
        ({"item": "SOAP-??"}, False),
        ({"channel": "shop"}, True),
        ({"channel": "outlet"}, False),
        ({"center": "west"}, True),
        ({"center": "EAST"}, False),
        ({"item": "SOAP-*", "channel": "shop", "center": "WEST"}, True),
        ({"item": "SOAP-*", "channel": "outlet", "center": "WEST"}, False),
        ({"item": "BRUSH", "channel": "shop", "center": "WEST"}, False),
    ],
)
def test_a_rule_matches_in_all_that_it_names(match: dict[str, str], matches: bool) -> None:
    assert (chosen(rule(method=FEFO, **match), center="West")[2] == "fefo") is matches


def test_a_rule_for_a_center_is_not_for_lines_without_one() -> None:
    assert chosen(rule(center="WEST", method=FEFO))[2] == "fifo"


def test_the_first_rule_that_matches_wins_even_if_a_later_one_names_more() -> None:
    rules = [
        rule(1, item="BRUSH*", method=FEFO),
        rule(2, item="*", locations=("A",)),
        rule(3, item="SOAP-1", method=FEFO),
    ]
    assert chosen(*rules) == ("rule 2 (item *)", ("A",), "fifo")


def test_what_a_rule_leaves_out_comes_from_above() -> None:
    assert chosen(rule(item="SOAP-*", method=FEFO), center="WEST") == (
        "rule 1 (item SOAP-*), distribution center WEST",
        ("WEST",),
        "fefo",
    )
    assert chosen(rule(channel="shop", method=FEFO)) == (
        "rule 1 (channel shop), the locations of [allocation]",
        ("MAIN/FG",),
        "fefo",
    )


def test_locations_of_a_rule_win_over_those_of_the_center() -> None:
    assert chosen(rule(center="WEST", locations=("WEST/COLD", "WEST")), center="west") == (
        "rule 1 (distribution center WEST)",
        ("WEST/COLD", "WEST"),
        "fifo",
    )
    assert chosen(rule(item="*", locations=()), center="west")[1] == ()


@pytest.mark.parametrize(("own", "days"), [(None, 30), (0, 0), (90, 90)])
def test_an_items_own_shelf_life_wins_over_the_strategys(own: int | None, days: int) -> None:
    limits = Choices(FEFO).choose(SHOP, "SOAP-1", None).limits(Item("SOAP-1", min_shelf_life_days=own))
    assert (limits.min_shelf_life_days, limits.last_day_good) == (days, False)
    assert Choices(FEFO).choose(SHOP, "SOAP-1", None).limits(None).min_shelf_life_days == 30


def test_what_was_chosen_is_remembered_for_each_item_center_and_channel() -> None:
    choices = Choices(FIFO, [rule(item="SOAP-*", method=FEFO)])
    assert choices.choose(SHOP, "SOAP-1", None) is choices.choose(SHOP, " soap-1", "")
    assert choices.choose(SHOP, "BRUSH", None).method is FIFO
    assert choices.choose(OUTLET, "SOAP-1", None).locations == ()
    moved = ChannelRules("shop", locations=("EAST",))
    assert choices.choose(moved, "SOAP-1", None).locations == ("EAST",)


def test_centers_that_come_from_outside_fill_no_memory() -> None:
    choices = Choices(FIFO)
    for number in range(10_050):
        choices.choose(SHOP, "SOAP-1", f"C{number}")
    assert len(choices._made) < 100
