import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockhook.allocation import Pool
from stockhook.choice import Choices
from stockhook.draft import Cause
from stockhook.evaluate import Evaluation, evaluate
from stockhook.groups import Component, counted_twice
from stockhook.kits import read_lines
from stockhook.model import NEW, Catalogue, How, KitPolicy, Line, OrderState, Stock, WaitKind, fold
from stockhook.quantity import ONE
from stockhook.rules import ChannelRules, ShortagePolicy
from stockhook.strategy import method
from stockhook.testing import factories as make
from stockhook.testing.clock import START
from stockhook_plugins.strategies.received import Fifo

SHIPPED = START - timedelta(days=5)
CHOICES = Choices(method(Fifo(Fifo.Options())))
KIT = make.kit("SET", ("B", 2 * ONE), ("C", ONE), policy=KitPolicy.STOCKED_FIRST)
PER_KIT = {"B": 2, "C": 1}
SKUS = ("SET", "B", "C")


def catalogue(*, serial: str = "") -> Catalogue:
    items = {fold(sku): make.item(sku, serial=sku == serial) for sku in SKUS}
    return Catalogue(items=items, kits={"set": KIT})


@dataclass
class World:
    """An order with one kit, and a shelf with one unit of each item; quantities in whole pieces."""

    lines: tuple[Line, ...]
    shelf: dict[str, int]
    policy: ShortagePolicy = ShortagePolicy.PARTIAL
    known: Catalogue = field(default_factory=catalogue)
    kits: KitPolicy = KitPolicy.STOCKED_FIRST

    def __post_init__(self) -> None:
        self.state = OrderState(make.order(first_ship_at=START), self.lines)
        self.units = {sku: ONE * quantity for sku, quantity in self.shelf.items()}

    def evaluate(self) -> Evaluation:
        numbers = {sku: number for number, sku in enumerate(SKUS, start=1)}
        units = tuple(make.unit(sku, self.units.get(sku, 0), id=number) for sku, number in numbers.items())
        rules = ChannelRules("shop", kits=self.kits, on_shortage=self.policy)
        cause, ids = Cause(START, "worker", 1), itertools.count(NEW)
        result = evaluate(self.state, rules, self.known, Pool(Stock(units)), CHOICES, cause=cause, ids=ids)
        for movement in result.movements:
            if movement.unit_id in numbers.values():
                self.units[movement.sku] += movement.quantity
        assert all(left >= 0 for left in self.units.values())
        self.state = result.state
        return result

    def ship(self, kits: int) -> None:
        """Have the store say that so many kits have shipped, with their components."""
        amounts = {"SET": kits, **{sku: kits * per for sku, per in PER_KIT.items()}}
        lines = tuple(replace(line, quantity=amounts[line.code] * ONE) for line in self.state.lines)
        self.state = replace(self.state, lines=lines)

    def receive(self, **goods: int) -> None:
        for sku, quantity in goods.items():
            self.units[sku] = self.units.get(sku, 0) + quantity * ONE

    def booked(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for take in self.state.takes:
            if not take.suspense:
                found[take.sku] = found.get(take.sku, 0) + take.remaining // ONE
        return {sku: quantity for sku, quantity in found.items() if quantity}

    def owed(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for row in self.state.shortages:
            found[row.sku] = found.get(row.sku, 0) + row.open // ONE
        return {sku: quantity for sku, quantity in found.items() if quantity}


def line(number: int, code: str, quantity: int, **facts: Any) -> Line:
    shipped = {"ship_said": make.said(), "shipped_at": SHIPPED, "lots": ()}
    return make.line(number=number, code=code, quantity=quantity * ONE, **{**shipped, **facts})


def listed(kits: int = 3, **facts: Any) -> tuple[Line, ...]:
    """A kit with its component lines."""
    return (
        line(1, "SET", kits, kit=True, **facts),
        *(
            line(number, sku, kits * per, component=True, parent_index=1, **facts)
            for number, (sku, per) in enumerate(PER_KIT.items(), start=2)
        ),
    )


def alone(kits: int = 3, **facts: Any) -> tuple[Line, ...]:
    """A kit without component lines: our own definition."""
    return (line(1, "SET", kits, kit=True, **facts),)


FORMS = pytest.mark.parametrize("form", [listed, alone])


class TestComponent:
    components = st.builds(
        Component,
        per=st.integers(1, 9 * ONE),
        kits=st.integers(1, 9 * ONE),
        step=st.sampled_from([1, ONE]),
    )

    @given(each=components, rest=st.integers(0, 9 * ONE))
    def test_what_was_taken_for_so_many_kits_never_stands_for_more(self, each: Component, rest: int) -> None:
        share = each.share(rest)
        assert share * each.kits >= each.per * rest
        assert share % each.step == 0
        assert each.behind(share) <= rest + (not rest)
        assert each.share(each.behind(share)) == share

    def test_a_whole_number_of_components_stands_for_a_whole_number_of_kits(self) -> None:
        assert Component(6 * ONE, 3 * ONE).behind(4 * ONE) == 2 * ONE

    def test_a_third_of_a_component_is_rounded_up_to_what_can_be_taken(self) -> None:
        assert Component(ONE, 3 * ONE).share(ONE) == 333_334
        assert Component(ONE, 3 * ONE, ONE).share(ONE) == ONE

    def test_a_kit_line_edited_to_nothing_needs_no_component(self) -> None:
        assert Component(ONE, 0).share(0) == 0
        assert Component(ONE, 0).behind(ONE) == 0


class TestSplit:
    @FORMS
    def test_finished_kits_go_first_and_components_for_the_rest(self, form: Any) -> None:
        world = World(form(3), {"SET": 1, "B": 9, "C": 9})
        world.evaluate()
        assert world.booked() == {"SET": 1, "B": 4, "C": 2}
        assert world.owed() == {}
        assert world.state.lines[0].binding is not None
        assert world.state.lines[0].binding.how is How.STOCKED_FIRST

    @FORMS
    def test_what_is_short_is_owed_in_components_and_settled_by_them_alone(self, form: Any) -> None:
        world = World(form(3), {"SET": 1, "B": 3})
        world.evaluate()
        assert (world.booked(), world.owed()) == ({"SET": 1, "B": 3}, {"B": 1, "C": 2})
        world.receive(SET=5)
        assert not world.evaluate().books
        world.receive(B=5, C=5)
        world.evaluate()
        assert (world.booked(), world.owed()) == ({"SET": 1, "B": 4, "C": 2}, {})

    @FORMS
    def test_more_kits_are_taken_finished_first_again(self, form: Any) -> None:
        world = World(form(2), {"B": 9, "C": 9})
        world.evaluate()
        assert world.booked() == {"B": 4, "C": 2}
        world.receive(SET=1)
        world.ship(4)
        world.evaluate()
        assert world.booked() == {"SET": 1, "B": 6, "C": 3}

    @FORMS
    def test_fewer_kits_withdraw_what_was_owed_and_show_the_rest(self, form: Any) -> None:
        world = World(form(3), {"SET": 1, "B": 9})
        world.evaluate()
        world.ship(2)
        result = world.evaluate()
        assert (world.booked(), world.owed()) == ({"SET": 1, "B": 4}, {"C": 1})
        assert {signal.kind for signal in result.standing} == {"regression"}
        world.ship(3)
        world.receive(SET=5)
        result = world.evaluate()
        assert (world.booked(), world.owed(), result.standing) == ({"SET": 1, "B": 4}, {"C": 2}, ())

    @FORMS
    def test_only_whole_kits_are_taken_finished(self, form: Any) -> None:
        world = World(form(2), {"B": 9, "C": 9})
        world.units["SET"] = ONE + ONE // 2
        world.evaluate()
        assert world.booked() == {"SET": 1, "B": 2, "C": 1}

    def test_a_component_of_unknown_code_waits_only_where_finished_kits_do_not_cover(self) -> None:
        known = Catalogue(items={fold(sku): make.item(sku) for sku in ("SET", "B")})
        world = World(listed(2), {"SET": 1, "B": 9}, known=known)
        world.evaluate()
        assert world.booked() == {"SET": 1, "B": 2}
        assert [wait.kind for wait in world.state.waits] == [WaitKind.CODE]
        covered = World(listed(2), {"SET": 5, "B": 9}, known=known)
        covered.evaluate()
        assert (covered.booked(), covered.state.waits) == ({"SET": 2}, ())

    @FORMS
    def test_what_was_reversed_is_split_anew(self, form: Any) -> None:
        world = World(form(2), {"SET": 1, "B": 9, "C": 9})
        world.evaluate()
        takes = tuple(replace(take, remaining=0) for take in world.state.takes)
        world.state = replace(world.state, takes=takes)
        world.receive(SET=2)
        world.evaluate()
        assert world.booked() == {"SET": 2}

    def test_a_ruling_on_the_kit_line_counts_kits(self) -> None:
        world = World(alone(2, ruling=ONE), {"SET": 2, "B": 9, "C": 9})
        world.evaluate()
        assert world.booked() == {"SET": 2, "B": 2, "C": 1}

    def test_a_ruling_on_a_component_line_changes_that_component_alone(self) -> None:
        kit, b, c = listed(2)
        world = World((kit, replace(b, ruling=-ONE), c), {"SET": 1, "B": 9, "C": 9})
        world.evaluate()
        assert world.booked() == {"SET": 1, "B": 1, "C": 1}
        world.receive(SET=3)
        assert not world.evaluate().books

    def test_a_component_that_a_person_ruled_less_of_is_not_missed_where_finished_kits_cover(self) -> None:
        kit, b, c = listed(2)
        world = World((kit, replace(b, ruling=-ONE), c), {"SET": 2})
        assert world.evaluate().standing == ()
        assert (world.booked(), world.owed()) == ({"SET": 2}, {})

    def test_a_ruling_on_a_kit_line_without_a_date_counts_as_well(self) -> None:
        kit, b, c = listed(3)
        world = World((replace(kit, shipped_at=None, ruling=-ONE), b, c), {"SET": 1, "B": 9, "C": 9})
        assert world.evaluate().standing == ()
        assert world.booked() == {"SET": 1, "B": 2, "C": 1}

    def test_a_refund_on_the_kit_line_before_shipping_lowers_finished_kits_and_components_alike(self) -> None:
        refund = make.model.Refund(ONE, SHIPPED - timedelta(days=1), dated=True, as_of=SHIPPED)
        kit, b, c = listed(3)
        world = World((replace(kit, refunds=(refund,)), b, c), {"SET": 1, "B": 9, "C": 9})
        world.evaluate()
        assert world.booked() == {"SET": 1, "B": 2, "C": 1}

    def test_a_kit_line_without_a_date_has_shipped_as_far_as_its_components(self) -> None:
        kit, b, c = listed(3)
        world = World((replace(kit, shipped_at=None), b, replace(c, shipped_at=None)), {"SET": 1, "B": 9, "C": 9})
        world.evaluate()
        assert world.booked() == {"SET": 1, "B": 4}
        world.state = replace(world.state, lines=(*world.state.lines[:2], c))
        world.receive(SET=5)
        world.evaluate()
        assert world.booked() == {"SET": 1, "B": 4, "C": 2}

    def test_so_it_has_where_several_kits_share_one_component(self) -> None:
        kit, b, c = listed(3)
        world = World((replace(kit, shipped_at=None), replace(b, quantity=ONE), c), {"SET": 1, "B": 9, "C": 9})
        world.evaluate()
        assert {take.sku: take.remaining for take in world.state.takes} == {"SET": ONE, "B": 666_667, "C": 2 * ONE}
        only = World((replace(kit, shipped_at=None), replace(b, quantity=ONE)), {"SET": 4})
        only.evaluate()
        assert only.booked() == {"SET": 3}

    def test_a_kit_line_that_waits_for_a_person_holds_its_components(self) -> None:
        world = World(listed(2), {"SET": 1, "B": 9, "C": 9})
        world.evaluate()
        kit, b, c = world.state.lines
        world.state = replace(world.state, lines=(replace(kit, code="B"), replace(b, quantity=9 * ONE), c))
        result = world.evaluate()
        assert not result.books
        assert {signal.kind for signal in result.standing} == {"line-conflict"}

    def test_a_later_policy_does_not_touch_a_group_that_is_bound(self) -> None:
        world = World(listed(2), {"SET": 1, "B": 9, "C": 9})
        world.evaluate()
        for policy in KitPolicy:
            own = replace(KIT, policy=policy)
            world.known = replace(world.known, kits={"set": own})
            assert not world.evaluate().books


class TestWhole:
    @FORMS
    def test_under_line_a_group_that_cannot_be_covered_consumes_nothing_and_is_owed_in_components(
        self, form: Any
    ) -> None:
        world = World(form(3), {"SET": 1, "B": 9, "C": 1}, ShortagePolicy.LINE)
        world.evaluate()
        assert (world.booked(), world.owed()) == ({}, {"B": 6, "C": 3})
        assert not world.evaluate().books
        world.receive(C=1)
        world.evaluate()
        assert (world.booked(), world.owed()) == ({"SET": 1, "B": 4, "C": 2}, {})

    @FORMS
    def test_under_order_the_order_waits_on_the_components_that_are_short(self, form: Any) -> None:
        world = World(form(3), {"SET": 1, "B": 9, "C": 1}, ShortagePolicy.ORDER)
        world.evaluate()
        assert (world.booked(), world.owed()) == ({}, {})
        assert [(wait.kind, wait.subject) for wait in world.state.waits] == [(WaitKind.ITEM, "C")]
        world.receive(SET=2)
        world.evaluate()
        assert (world.booked(), world.state.waits) == ({"SET": 3}, ())

    @pytest.mark.parametrize("policy", [ShortagePolicy.LINE, ShortagePolicy.ORDER])
    def test_what_was_planned_for_a_group_that_waits_is_there_for_other_lines(self, policy: ShortagePolicy) -> None:
        known = Catalogue(items={fold(sku): make.item(sku) for sku in SKUS[:2]})
        world = World(listed(2), {"SET": 1, "B": 9}, policy, known=known)
        world.evaluate()
        assert world.booked() == {}
        assert world.units["SET"] == ONE


class TestCountedTwice:
    def found(self, world: World) -> dict[int, int]:
        readings = read_lines(world.state.lines, world.known, world.kits).lines
        return counted_twice(readings, world.state.takes, world.known)

    @FORMS
    def test_a_finished_kit_beside_the_components_of_all_kits_is_found(self, form: Any) -> None:
        world = World(form(3), {"SET": 1, "B": 9, "C": 9})
        world.evaluate()
        assert self.found(world) == {}
        finished, *parts = world.state.takes
        assert finished.sku == "SET"
        world.state = replace(world.state, takes=(replace(finished, remaining=2 * ONE), *parts))
        assert self.found(world) == {1: ONE}
        more = [replace(take, remaining=take.remaining * 2) for take in parts]
        world.state = replace(world.state, takes=(finished, *more))
        assert self.found(world) == {1: 2 * ONE}

    def test_kits_that_have_not_shipped_any_more_were_still_had(self) -> None:
        world = World(listed(3), {"SET": 1, "B": 9, "C": 9})
        world.evaluate()
        world.state = replace(world.state, lines=tuple(replace(one, shipped_at=None) for one in world.state.lines))
        assert self.found(world) == {}


Step = tuple[str, Any]
steps = st.lists(
    st.one_of(
        st.tuples(st.just("ship"), st.integers(0, 5)),
        st.tuples(st.just("receive"), st.dictionaries(st.sampled_from(SKUS), st.integers(1, 4), max_size=3)),
    ),
    max_size=6,
)
policies = st.sampled_from(ShortagePolicy)
shelves = st.fixed_dictionaries({sku: st.integers(0, 6) for sku in SKUS})


@given(
    form=st.sampled_from([listed, alone]),
    kits=st.integers(0, 4),
    shelf=shelves,
    policy=policies,
    serial=st.sampled_from(["", "B"]),
    steps=steps,
)
def test_a_kit_and_its_components_never_both_count_for_the_same_piece(
    form: Any, kits: int, shelf: dict[str, int], policy: ShortagePolicy, serial: str, steps: Sequence[Step]
) -> None:
    world = World(form(kits), shelf, policy, catalogue(serial=serial))
    shipped = most = kits
    for what, how in [("receive", {}), *steps]:
        if what == "ship":
            shipped, most = how, max(most, how)
            world.ship(how)
        else:
            world.receive(**how)
        result = world.evaluate()
        told = any(signal.kind == "regression" for signal in result.standing)
        booked, owed = world.booked(), world.owed()
        waits = any(wait.kind is WaitKind.ITEM for wait in world.state.waits)
        finished = booked.get("SET", 0) + owed.get("SET", 0)
        stands = [finished + booked.get(sku, 0) / per for sku, per in PER_KIT.items()]
        assert max(stands) <= most
        assert told == any(kits > shipped for kits in stands)
        if not told and not waits:
            assert [finished + (booked.get(sku, 0) + owed.get(sku, 0)) / per for sku, per in PER_KIT.items()] == [
                shipped
            ] * len(PER_KIT)
        suspended = {take.sku: take.suspended for take in world.state.takes if take.suspended}
        assert "SET" not in suspended
        again = world.evaluate()
        assert not again.books
        assert (world.booked(), world.owed()) == (booked, owed)
