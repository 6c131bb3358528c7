"""A chart says the same to who sees it and to who has it read out, and needs neither style nor script of its own."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stockhook.operations.volume import Point
from stockhook.testing.pages import Pages
from stockhook.testing.payloads import envelope, line, order_ship
from stockhook.web.charts import HEIGHT, WIDTH, Chart, bars
from stockhook.web.charts import line as stepped

START = datetime(2026, 12, 1, tzinfo=UTC)


def drawn(values: list[int], draw: Any = bars) -> Chart:
    points = [Point(START + timedelta(days=day), value) for day, value in enumerate(values)]
    return draw(
        "c",
        "Title",
        points,
        written=str,
        when=lambda start: f"{start:%d}",
        tick=lambda start: f"{start:%d}",
        what=("Day", "Units"),
    )


@given(st.lists(st.integers(-5, 10**12), min_size=1, max_size=60))
def test_every_bar_is_within_the_drawing_and_as_high_as_its_share(values: list[int]) -> None:
    chart = drawn(values)
    highest = max(values)
    for bar, value in zip(chart.bars, values, strict=True):
        assert 0 <= bar.x <= bar.x + bar.width <= WIDTH
        assert 0 <= bar.y <= bar.y + bar.height <= HEIGHT
        assert 0 <= bar.y + bar.height <= HEIGHT
        assert (bar.height > 0) == (value != 0)
        assert (bar.level < chart.axis) == (value > 0)
        assert (bar.level > chart.axis) == (value < 0)
        if value == highest and value > 0:
            assert bar.level == min(each.level for each in chart.bars)
    assert (chart.lowest == "") == (min(values) >= 0)
    assert chart.bars[-1].tick is not None
    assert sum(bar.tick is not None for bar in chart.bars) <= 7


def test_the_summary_says_the_sum_the_highest_and_the_last() -> None:
    assert drawn([1, 4, 2]).summary == "7 in all, at most 4; 2 03."
    assert drawn([1, 4, 2], stepped).summary == "Between 1 and 4; 2 now."


def test_a_line_stays_level_between_its_points() -> None:
    assert drawn([0, 2], stepped).line == "M4.0 132.0 H300.0 L300.0 16.0 H596.0"


def test_what_is_below_zero_is_drawn_below_the_axis() -> None:
    chart = drawn([3, -1], stepped)
    assert (chart.axis, chart.highest, chart.lowest) == (103.0, "3", "-1")
    assert chart.line == "M4.0 16.0 H300.0 L300.0 132.0 H596.0"
    assert chart.area.endswith("V103.0 H4.0 Z")


async def test_the_overview_draws_what_came_in_and_went_out(ask: Any, pages: Pages) -> None:
    assert "<svg" not in (await ask("/")).body.decode()
    pages.shop.stock(SOAP=10)
    pages.shop.send(envelope(order_ship("D-1", [line("SOAP", 3, shipped="2026-12-01T12:00:00+00:00")])))
    page = (await ask("/")).body.decode()
    assert page.count("<svg") == 2
    assert "<title>from 09:00 on: 1</title>" in page
    assert "<title>on 2026-12-01: 3</title>" in page
    assert '<th scope="row">on 2026-12-01</th><td>3</td>' in page
    assert not re.search(r"\sstyle=|<style|\son\w+=", page)


async def test_an_item_shows_how_much_there_was(ask: Any, pages: Pages) -> None:
    pages.shop.items("SALT")
    pages.shop.stock(SOAP=10)
    pages.shop.clock.advance(timedelta(days=2))
    page = (await ask("/items/SOAP")).body.decode()
    assert '<desc id="on-hand-summary">Between 0 and 10; 10 now.</desc>' in page
    assert "<svg" not in (await ask("/items/SALT")).body.decode()
