from typing import Any

import pytest

from stockhook.kits import Readings, multiply_out, read_lines, resolve
from stockhook.model import Alias, Binding, Catalogue, How, Item, Kit, KitPolicy, Line, Part, fold
from stockhook.quantity import ONE
from stockhook.testing import factories as make

ACCOUNT = make.ACCOUNT


def part(sku: str, quantity: int = 1) -> Part:
    return Part(sku, quantity * ONE)


def catalogue(*records: Item | Kit | Alias) -> Catalogue:
    return Catalogue(
        aliases={(one.account, one.code): one for one in records if isinstance(one, Alias)},
        items={fold(one.sku): one for one in records if isinstance(one, Item)},
        kits={fold(one.sku): one for one in records if isinstance(one, Kit)},
    )


A, B, C, SET = (make.item(sku) for sku in ("A", "B", "C", "SET"))
KIT = make.kit("SET", ("B", 2 * ONE), ("C", ONE))


def line(number: int, code: str, quantity: int = 1, **facts: Any) -> Line:
    return make.line(number=number, code=code, quantity=quantity * ONE, **facts)


def kit_line(number: int = 1, quantity: int = 1, **facts: Any) -> Line:
    return line(number, "SET", quantity, kit=True, **facts)


def component(number: int, code: str, quantity: int = 1, parent: int | None = 1, **facts: Any) -> Line:
    return line(number, code, quantity, component=True, parent_index=parent, **facts)


def bound(how: How, *parts: Part, code: str = "SET") -> Binding:
    return Binding(code, how, parts)


def consumed(readings: Readings) -> dict[int, dict[str, int] | None]:
    return {
        one.line.number: None if one.parts is None else {p.sku: p.quantity // ONE for p in one.parts}
        for one in readings.lines
    }


class TestCodes:
    def test_the_accounts_own_alias_goes_before_the_global_one_and_both_before_the_item(self) -> None:
        own = make.alias("a", "C", account=ACCOUNT)
        everywhere = make.alias("A", "B", factor=12 * ONE)
        assert resolve(ACCOUNT, "A", catalogue(A, own, everywhere)) == part("C")
        assert resolve("ultracart:OTHER", "A", catalogue(A, own, everywhere)) == part("B", 12)
        assert resolve(ACCOUNT, "A", catalogue(A)) == part("A")

    def test_codes_compare_without_case_and_blanks(self) -> None:
        assert resolve(ACCOUNT, " a ", catalogue(A)) == part("A")

    def test_an_ignored_code_is_an_alias_without_an_item(self) -> None:
        found = resolve(ACCOUNT, "A", catalogue(A, make.alias("A", None)))
        assert isinstance(found, Alias)
        assert found.sku is None

    def test_nothing_found_is_none(self) -> None:
        assert resolve(ACCOUNT, "X", catalogue(A)) is None


class TestComponents:
    """The policy that is the default: component lines consume, the kit line nothing."""

    def read(self, *lines: Line, known: Catalogue | None = None, policy: KitPolicy = KitPolicy.COMPONENTS) -> Readings:
        return read_lines(lines, known or catalogue(A, B, C, SET), policy)

    def test_the_kit_line_consumes_nothing(self) -> None:
        readings = self.read(kit_line(), component(2, "B", 2), component(3, "C"))
        assert consumed(readings) == {1: {}, 2: {"B": 1}, 3: {"C": 1}}
        assert [one.group for one in readings.lines] == [1, 1, 1]

    def test_an_unknown_kit_code_waits_for_nothing(self) -> None:
        assert consumed(self.read(kit_line(), component(2, "B"), known=catalogue(B)))[1] == {}

    def test_a_component_without_a_parent_belongs_to_the_nearest_kit_line_before_it(self) -> None:
        readings = self.read(
            kit_line(1), component(2, "B", parent=None), kit_line(5), component(6, "C", parent=None), line(7, "A")
        )
        assert [one.group for one in readings.lines] == [1, 1, 5, 5, 7]

    def test_a_component_whose_parent_is_not_listed_is_a_plain_line(self) -> None:
        readings = self.read(component(2, "B", parent=9))
        assert (readings.lines[0].how, consumed(readings)) == (How.PLAIN, {2: {"B": 1}})

    def test_a_kit_line_and_its_components_never_both_consume(self) -> None:
        for policy in KitPolicy:
            for known in (catalogue(A, B, C, SET), catalogue(A, B, C, SET, KIT), catalogue(B, C)):
                for listed in ([kit_line()], [kit_line(), component(2, "B", 2)], [component(2, "B"), line(4, "A")]):
                    readings = read_lines(listed, known, policy).lines
                    heads = {
                        one.group
                        for one in readings
                        if one.line.kit and one.consumes and one.how is not How.STOCKED_FIRST  # split: see test_groups
                    }
                    assert not [one for one in readings if one.line.component and one.parts and one.group in heads]


class TestParent:
    def test_the_kit_line_consumes_and_its_components_nothing(self) -> None:
        readings = read_lines([kit_line(), component(2, "B", 2)], catalogue(B, SET), KitPolicy.PARENT)
        assert consumed(readings) == {1: {"SET": 1}, 2: {}}
        assert [one.how for one in readings.lines] == [How.PARENT, How.COVERED]

    def test_the_kit_itself_chooses_before_the_channel(self) -> None:
        known = catalogue(B, C, SET, make.kit("SET", ("B", ONE), policy=KitPolicy.PARENT))
        readings = read_lines([kit_line(), component(2, "B")], known, KitPolicy.COMPONENTS)
        assert consumed(readings) == {1: {"SET": 1}, 2: {}}


class TestOwnDefinition:
    known = catalogue(B, C, SET, KIT)

    def test_a_kit_line_without_components_is_multiplied_out(self) -> None:
        readings = read_lines([kit_line()], self.known, KitPolicy.COMPONENTS)
        assert (readings.lines[0].how, consumed(readings)) == (How.DEFINITION, {1: {"B": 2, "C": 1}})

    def test_so_is_a_line_that_the_store_does_not_call_a_kit(self) -> None:
        assert consumed(read_lines([line(1, "SET")], self.known, KitPolicy.COMPONENTS)) == {1: {"B": 2, "C": 1}}

    def test_the_alias_factor_counts(self) -> None:
        known = catalogue(B, C, SET, KIT, make.alias("CASE", "SET", factor=6 * ONE))
        assert consumed(read_lines([line(1, "CASE")], known, KitPolicy.COMPONENTS)) == {1: {"B": 12, "C": 6}}

    def test_nested_kits_are_multiplied_out_to_the_last_level(self) -> None:
        inner = make.kit("INNER", ("C", 3 * ONE))
        outer = make.kit("OUTER", ("INNER", 2 * ONE), ("C", ONE), ("B", ONE))
        assert multiply_out("OUTER", catalogue(inner, outer)) == (part("C", 7), part("B"))

    def test_a_kit_without_components_or_definition_is_a_plain_item_and_told(self) -> None:
        readings = read_lines([kit_line()], catalogue(SET), KitPolicy.COMPONENTS)
        assert consumed(readings) == {1: {"SET": 1}}
        assert [one.sku for one in readings.mismatches] == ["SET"]

    def test_an_inner_kit_that_is_stocked_as_such_is_not_taken_apart(self) -> None:
        inner = make.kit("INNER", ("C", 3 * ONE), policy=KitPolicy.PARENT)
        outer = make.kit("OUTER", ("INNER", 2 * ONE), ("B", ONE))
        assert multiply_out("OUTER", catalogue(inner, outer)) == (part("INNER", 2), part("B"))
        assert multiply_out("INNER", catalogue(inner)) == (part("C", 3),)

    def test_kits_that_contain_each_other_come_to_an_end(self) -> None:
        ring = catalogue(make.kit("SET", ("BOX", ONE)), make.kit("BOX", ("SET", 2 * ONE), ("B", ONE)))
        assert multiply_out("SET", ring) == (part("SET", 2), part("B"))

    def test_a_component_line_that_is_a_kit_of_ours_is_multiplied_out_unless_it_is_stocked_as_such(self) -> None:
        inner = make.item("INNER")
        for policy, expected in ((None, {"C": 3}), (KitPolicy.PARENT, {"INNER": 1})):
            known = catalogue(B, C, SET, inner, make.kit("INNER", ("C", 3 * ONE), policy=policy))
            readings = read_lines([kit_line(), component(2, "INNER", 2)], known, KitPolicy.COMPONENTS)
            assert consumed(readings) == {1: {}, 2: expected}


class TestStockedFirst:
    known = catalogue(A, B, C, SET, KIT, make.alias("CASE", "SET", factor=6 * ONE))

    def read(self, *lines: Line, known: Catalogue | None = None) -> Readings:
        return read_lines(lines, known or self.known, KitPolicy.STOCKED_FIRST)

    def test_a_kit_line_consumes_the_kit_and_its_component_lines_theirs(self) -> None:
        readings = self.read(kit_line(), component(2, "B", 2), component(3, "C"))
        assert [one.how for one in readings.lines] == [How.STOCKED_FIRST, How.COMPONENT, How.COMPONENT]
        assert consumed(readings) == {1: {"SET": 1}, 2: {"B": 1}, 3: {"C": 1}}

    def test_without_component_lines_the_parts_of_the_definition_follow_the_kit(self) -> None:
        readings = self.read(line(1, "CASE"))
        assert readings.lines[0].parts == (part("SET", 6), part("B", 12), part("C", 6))

    def test_component_lines_that_come_after_a_booking_by_definition_consume_nothing_and_are_told(self) -> None:
        head = kit_line(binding=bound(How.STOCKED_FIRST, part("SET"), part("B", 2), part("C")))
        readings = self.read(head, component(2, "B", 2))
        assert consumed(readings)[2] == {}
        assert len(readings.mismatches) == 1

    def test_a_further_component_line_of_a_group_booked_by_lines_consumes(self) -> None:
        head = kit_line(binding=bound(How.STOCKED_FIRST, part("SET")))
        assert consumed(self.read(head, component(2, "B", 2)))[2] == {"B": 1}

    @pytest.mark.parametrize("known", [catalogue(B, C), catalogue(B, C, SET, make.alias("SET", None))])
    def test_a_kit_code_that_means_no_item_leaves_it_to_the_components(self, known: Catalogue) -> None:
        readings = self.read(kit_line(), component(2, "B", 2), known=known)
        assert [one.how for one in readings.lines] == [How.KIT, How.COMPONENT]

    def test_a_kit_without_components_or_definition_is_a_plain_item_and_told(self) -> None:
        readings = self.read(kit_line(), known=catalogue(SET))
        assert (readings.lines[0].how, len(readings.mismatches)) == (How.PLAIN, 1)


class TestKitLinesWithinKits:
    """Lines that are both: a kit that the store lists as a component of another."""

    lines = (
        kit_line(1),
        line(2, "INNER", 1, kit=True, component=True, parent_index=1),
        component(3, "C", 3, parent=2),
        component(4, "B", 2, parent=1),
    )
    known = catalogue(B, C, SET, make.item("INNER"))

    def test_they_belong_to_the_outermost_and_stand_behind_their_own_components(self) -> None:
        readings = read_lines(self.lines, self.known, KitPolicy.COMPONENTS)
        assert consumed(readings) == {1: {}, 2: {}, 3: {"C": 1}, 4: {"B": 1}}
        assert {one.group for one in readings.lines} == {1}

    def test_none_of_it_consumes_where_the_outermost_kit_does(self) -> None:
        readings = read_lines(self.lines, self.known, KitPolicy.PARENT)
        assert consumed(readings) == {1: {"SET": 1}, 2: {}, 3: {}, 4: {}}

    def test_one_without_components_of_its_own_is_a_component(self) -> None:
        readings = read_lines((self.lines[0], self.lines[1]), self.known, KitPolicy.COMPONENTS)
        assert consumed(readings) == {1: {}, 2: {"INNER": 1}}

    def test_they_agree_with_a_nested_definition(self) -> None:
        kits = make.kit("INNER", ("C", 3 * ONE)), make.kit("SET", ("INNER", ONE), ("B", 2 * ONE))
        known = catalogue(B, C, SET, make.item("INNER"), *kits)
        readings = read_lines(self.lines, known, KitPolicy.COMPONENTS)
        assert (readings.mismatches, readings.agreeing) == ((), ("SET",))

    def test_two_that_point_to_each_other_are_each_by_itself(self) -> None:
        lines = [line(n, "SET", 1, kit=True, component=True, parent_index=3 - n) for n in (1, 2)]
        readings = read_lines(lines, self.known, KitPolicy.COMPONENTS)
        assert consumed(readings) == {1: {"SET": 1}, 2: {"SET": 1}}


class TestMismatch:
    def mismatches(self, *lines: Line) -> tuple[list[str], tuple[str, ...]]:
        readings = read_lines(lines, catalogue(A, B, C, SET, KIT), KitPolicy.COMPONENTS)
        return [one.sku for one in readings.mismatches], readings.agreeing

    def test_lines_as_defined_agree(self) -> None:
        assert self.mismatches(kit_line(1, 3), component(2, "b", 6), component(3, "C", 3)) == ([], ("SET",))

    @pytest.mark.parametrize(
        "lines",
        [
            [component(2, "B", 2)],
            [component(2, "B", 3), component(3, "C", 1)],
            [component(2, "B", 2), component(3, "C", 1), component(4, "A", 1)],
        ],
    )
    def test_other_lines_do_not_and_are_what_counts(self, lines: list[Line]) -> None:
        assert self.mismatches(kit_line(), *lines) == (["SET"], ())

    def test_nothing_can_be_said_while_a_code_is_unknown(self) -> None:
        assert self.mismatches(kit_line(), component(2, "NEW", 2), component(3, "C")) == ([], ())


class TestBound:
    def test_what_is_bound_stays_whatever_the_catalogue_says_now(self) -> None:
        old = line(1, "PACK", binding=bound(How.PLAIN, part("B", 12), code="PACK"))
        known = catalogue(make.alias("PACK", "C", factor=10 * ONE), C)
        assert consumed(read_lines([old], known, KitPolicy.COMPONENTS)) == {1: {"B": 12}}

    def test_a_kit_booked_alone_keeps_its_later_components_from_consuming(self) -> None:
        head = kit_line(binding=bound(How.DEFINITION, part("B", 2), part("C")))
        readings = read_lines([head, component(2, "B", 2)], catalogue(B, C, SET, KIT), KitPolicy.COMPONENTS)
        assert consumed(readings) == {1: {"B": 2, "C": 1}, 2: {}}
        assert len(readings.mismatches) == 1

    def test_bound_components_keep_the_kit_line_from_consuming_under_another_policy(self) -> None:
        lines = [kit_line(), component(2, "B", 2, binding=bound(How.COMPONENT, part("B"), code="B"))]
        assert consumed(read_lines(lines, catalogue(B, SET), KitPolicy.PARENT)) == {1: {}, 2: {"B": 1}}
