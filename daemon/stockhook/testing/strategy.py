"""The contract of a strategy: what the host checks in each plan, and what people expect of one (promises 7 and 8)."""

import random
import time
from collections.abc import Sequence
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import ClassVar, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stockhook.plugin import InnerStrategy, Need, Offer, Pick, Strategy, steps
from stockhook.quantity import ONE

_START: Final = datetime(2026, 1, 1, tzinfo=UTC)
PASSED_OVER: Final = 5
_PROPERTY: Final = settings(
    deadline=None,
    max_examples=20,
    # the strategy under test is a pure function, so one instance serves all examples
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)


def _any_offer(unit: int, chance: random.Random) -> Offer:
    serial = chance.random() < 0.3  # noqa: PLR2004 - some, not most
    return Offer(
        id=unit,
        location=chance.choice(["MAIN", "MAIN/Rack 2", "MAIN/Rack 10", "WEST/COLD"]),
        pick_sequence=chance.choice([None, 0, 1, 2]),
        available=chance.choice([1, ONE, 2 * ONE]) if serial else chance.choice([1, ONE, chance.randint(1, 6 * ONE)]),
        received_at=_START + timedelta(days=chance.randint(0, 3), microseconds=chance.randint(0, 1)),
        opened=chance.choice([True, False]),
        lot=chance.choice([None, "L2", "L10"]),
        serial=f"SN{unit}" if serial else None,
        expires_on=chance.choice([None, date(2026, 3, 1), date(2026, 3, 2)]),
        unit_cost=chance.choice([None, 0, ONE, 4_200_000]),
        priority=chance.choice([None, 1, 2]),
    )


_CHANCE: Final = random.Random(2026)  # noqa: S311 - the same units in each run
_SHELF: Final = tuple(_any_offer(unit, _CHANCE) for unit in range(1, 401))


def offers(most: int = 12) -> st.SearchStrategy[tuple[Offer, ...]]:
    """Draw units of one item in id order: many ties, gaps in what is known, some with serial numbers."""
    places = st.lists(st.integers(0, len(_SHELF) - 1), unique=True, max_size=most)
    return places.map(lambda drawn: tuple(_SHELF[place] for place in sorted(drawn)))


def needs() -> st.SearchStrategy[Need]:
    """Draw needs, from the smallest part of a unit on; some ask to be taken from a place, as lines may."""
    return st.builds(
        Need,
        sku=st.just("SOAP"),
        places=st.just(()) | st.just(("MAIN/Rack 2",)) | st.just(("WEST", "MAIN")),
        quantity=st.integers(1, 20) | st.integers(1, 20 * ONE) | st.integers(1, 20).map(lambda whole: whole * ONE),
        ship_date=st.none() | st.just(date(2026, 3, 2)),
    )


@cache
def _many() -> tuple[Offer, ...]:
    chance = random.Random(7)  # noqa: S311 - the same units in each run
    return tuple(
        Offer(
            id=number,
            location=f"MAIN/Rack {chance.randrange(500)}",
            pick_sequence=chance.choice([None, *range(50)]),
            available=chance.randrange(1, 100 * ONE),
            received_at=_START + timedelta(days=chance.randrange(700)),
            lot=f"L{number}",
            expires_on=chance.choice([None, date(2027, 1, 1) + timedelta(days=chance.randrange(700))]),
            unit_cost=chance.randrange(10 * ONE),
        )
        for number in range(1, 10_001)
    )


class StrategyContract:
    """Subclass it as ``Test...`` and give it a fixture ``strategy`` that returns the strategy to be held to it.

    Set ``greedy = False`` for a strategy that, with all its steps, may leave a need uncovered although units are left,
    such as one that takes from a single lot or not at all. Set ``monotone = False`` as well where more units may mean a
    larger shortage: units that are never split may fit worse when there are more of them.
    """

    greedy: ClassVar[bool] = True
    monotone: ClassVar[bool] = True
    seconds: ClassVar[float] = 1.0
    """How long a plan over 10,000 units may take; the daemon stops one after two seconds."""

    @pytest.fixture
    def strategy(self) -> Strategy:
        """Return the strategy under test."""
        pytest.fail("give your subclass of StrategyContract a fixture named strategy")

    def test_it_declares_a_type_a_version_and_options(self, strategy: Strategy) -> None:
        """Config picks by ``type``; traces name type and version."""
        assert strategy.type
        assert strategy.version
        assert type(strategy)(strategy.Options.model_construct()).type == strategy.type

    @_PROPERTY
    @given(need=needs(), units=offers())
    def test_a_plan_takes_what_is_needed_or_less_and_no_part_where_it_must_cover_alone(
        self, strategy: Strategy, need: Need, units: tuple[Offer, ...]
    ) -> None:
        """The host looks elsewhere where one location does not cover; a part would be of no use then."""
        taken = _total(strategy.plan(need, units))
        assert taken <= need.quantity
        if any(step.alone and step.strategy is strategy for step in steps(strategy)):
            assert taken in (0, need.quantity)

    @_PROPERTY
    @given(need=needs(), units=offers())
    def test_a_plan_takes_offered_units_once_and_never_more_than_there_is(
        self, strategy: Strategy, need: Need, units: tuple[Offer, ...]
    ) -> None:
        """Each pick names another offered unit and a part of it."""
        offered = {unit.id: unit for unit in units}
        picks = strategy.plan(need, units)
        assert len({pick.unit_id for pick in picks}) == len(picks)
        for pick in picks:
            assert pick.unit_id in offered
            assert 0 <= pick.quantity <= offered[pick.unit_id].available

    @_PROPERTY
    @given(need=needs(), units=offers())
    def test_at_most_five_units_that_come_next_stand_behind_the_takes(
        self, strategy: Strategy, need: Need, units: tuple[Offer, ...]
    ) -> None:
        """Picks of quantity 0 are shown beside the decision, so they come last and are few."""
        quantities = [pick.quantity for pick in strategy.plan(need, units)]
        taken = [quantity for quantity in quantities if quantity]
        assert quantities[: len(taken)] == taken
        assert len(quantities) - len(taken) <= PASSED_OVER

    @_PROPERTY
    @given(need=needs(), units=offers())
    def test_units_with_a_serial_number_are_taken_whole(
        self, strategy: Strategy, need: Need, units: tuple[Offer, ...]
    ) -> None:
        """Half of a thing with a number of its own cannot be shipped."""
        whole = {unit.id: unit.available for unit in units if unit.serial is not None}
        for pick in strategy.plan(need, units):
            assert pick.quantity in (0, whole.get(pick.unit_id, pick.quantity))

    @_PROPERTY
    @given(need=needs(), units=offers(), chance=st.randoms(use_true_random=False))
    def test_the_plan_is_the_same_in_whatever_order_the_units_come(
        self, strategy: Strategy, need: Need, units: tuple[Offer, ...], chance: random.Random
    ) -> None:
        """The order of taking is total, so nothing is left to how a store lists its rows."""
        shuffled = list(units)
        chance.shuffle(shuffled)
        assert list(strategy.plan(need, shuffled)) == list(strategy.plan(need, units))

    @_PROPERTY
    @given(need=needs(), units=offers())
    def test_planning_changes_neither_the_need_nor_the_units(
        self, strategy: Strategy, need: Need, units: tuple[Offer, ...]
    ) -> None:
        """The host uses both again, for the check of the plan and for the next line."""
        given_units = list(units)
        before = deepcopy((need, given_units))
        strategy.plan(need, given_units)
        assert (need, given_units) == before

    @_PROPERTY
    @given(need=needs(), units=offers())
    def test_each_pick_is_explained_in_a_few_words(
        self, strategy: Strategy, need: Need, units: tuple[Offer, ...]
    ) -> None:
        """A person reads beside each unit what the strategy went by."""
        for pick in strategy.plan(need, units):
            assert 0 < len(pick.why.strip()) <= 100  # noqa: PLR2004 - about one line of the status page
            assert pick.why.isprintable()

    @_PROPERTY
    @given(need=needs(), units=offers(), data=st.data())
    def test_fewer_units_never_mean_a_smaller_shortage(
        self, strategy: Strategy, need: Need, units: tuple[Offer, ...], data: st.DataObject
    ) -> None:
        """A greedy plan over divisible units takes all it can, so that taking units away never helps."""
        divisible = tuple(unit for unit in units if unit.serial is None)
        fewer = tuple(unit for unit in divisible if data.draw(st.booleans()))
        taken = _total(_in_full(strategy, need, divisible))
        if self.greedy:
            assert taken == min(need.quantity, sum(unit.available for unit in divisible))
        if self.monotone:
            assert _total(_in_full(strategy, need, fewer)) <= taken

    @_PROPERTY
    @given(need=needs(), units=offers(), chance=st.randoms(use_true_random=False))
    def test_all_its_steps_together_keep_the_rules_in_whatever_order_the_units_come(
        self, strategy: Strategy, need: Need, units: tuple[Offer, ...], chance: random.Random
    ) -> None:
        """What one step leaves the next one takes from; the host checks each, and raises where one breaks a rule."""
        shuffled = list(units)
        chance.shuffle(shuffled)
        planned = _in_full(strategy, need, units)
        assert planned == _in_full(strategy, need, shuffled)
        assert _total(planned) <= need.quantity
        assert len({pick.unit_id for pick in planned}) == len(planned)

    def test_no_units_give_an_empty_plan(self, strategy: Strategy) -> None:
        """What is not there is a shortage, never an error."""
        assert list(strategy.plan(Need("SOAP", ONE), ())) == []

    def test_ten_thousand_units_are_planned_in_time(self, strategy: Strategy) -> None:
        """An item with a long history must not hold up the others."""
        units = _many()
        for need in (Need("SOAP", ONE), Need("SOAP", sum(unit.available for unit in units) // 2)):
            started = time.thread_time()
            _in_full(strategy, need, units)
            assert time.thread_time() - started <= self.seconds


def _in_full(strategy: Strategy, need: Need, units: Sequence[Offer]) -> list[Pick]:
    """Return what a strategy with all its steps takes of the units of one location, checked as the host checks it."""
    return InnerStrategy(strategy).plan(need, units)


def _total(picks: Sequence[Pick]) -> int:
    return sum(pick.quantity for pick in picks)
