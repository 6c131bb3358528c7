import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from stockhook.facts import Merged, merge
from stockhook.model import Binding, How, Line, Order, Part, Said, Snapshot, SnapshotLine
from stockhook.quantity import ONE

START = datetime(2026, 11, 1, tzinfo=UTC)


def day(n: int) -> datetime:
    return START + timedelta(days=n)


def shown(index: int = 1, code: str = "A", quantity: int = 2, **facts: object) -> SnapshotLine:
    return SnapshotLine(index, code, quantity * ONE, **facts)  # type: ignore[arg-type]


def snapshot(*lines: SnapshotLine, ships: bool = True, as_of: datetime | None = START, **facts: object) -> Snapshot:
    return Snapshot("ultracart:DEMO", "D-1", ships, as_of, lines=lines, **facts)  # type: ignore[arg-type]


def means(code: str) -> tuple[Part, ...]:
    return (Part(code.strip().upper(), ONE),)


def noted(known: Merged | None, seen: Snapshot, delivery: int, channel: str = "shop") -> Merged:
    received = day(60) + timedelta(minutes=delivery)
    said = Said(seen.as_of or received, delivery, 0)
    before = (known.order, known.lines) if known else None
    return merge(before, seen, said, received_at=received, channel=channel, meaning=means)


def merged(snapshots: Sequence[tuple[int, Snapshot]]) -> Merged:
    known: Merged | None = None
    for delivery, seen in snapshots:
        known = noted(known, seen, delivery)
    assert known is not None
    return known


def bound(known: Merged, **codes: str) -> Merged:
    """The same with every line booked as the code it has."""
    lines = tuple(replace(one, binding=Binding(one.code, How.PLAIN, (Part(one.code, ONE),))) for one in known.lines)
    return replace(known, lines=lines)


def meaning_of(lines: Sequence[Line]) -> dict[int, tuple[int, str, int]]:
    return {one.number: (one.item_index, one.code, one.quantity // ONE) for one in lines}


moments = st.none() | st.integers(0, 9).map(day)
snapshots = st.builds(
    Snapshot,
    account=st.just("ultracart:DEMO"),
    order_id=st.just("D-1"),
    ships=st.booleans(),
    as_of=moments,
    stage=st.sampled_from([None, "Shipping Department", "Completed Order"]),
    test=st.booleans(),
    refunded_at=moments,
    shipping_date=moments,
    rejected=st.booleans(),
    linked=st.booleans(),
    lines=st.none()
    | st.lists(
        st.builds(
            SnapshotLine,
            item_index=st.integers(1, 3),
            code=st.sampled_from(["A", "a ", "B"]),
            quantity=st.integers(0, 3).map(lambda n: n * ONE),
            quantity_refunded=st.integers(0, 3).map(lambda n: n * ONE),
            center=st.sampled_from([None, "EAST", "WEST"]),
            lots=st.sampled_from([(), ("L1",)]),
            serials=st.sampled_from([(), ("S1", "S2")]),
            places=st.sampled_from([(), ("MAIN",)]),
            shipped_at=moments,
        ),
        max_size=3,
        unique_by=lambda one: one.item_index,
    ).map(tuple),
)


def test_what_a_line_asks_to_be_taken_from_is_what_the_newest_snapshot_says() -> None:
    pinned = merged([(1, snapshot(shown(lots=("L1",), serials=("S1",), places=("MAIN",))))])
    [line] = pinned.lines
    assert (line.lots, line.serials, line.places) == (("L1",), ("S1",), ("MAIN",))
    [line] = noted(pinned, snapshot(shown(serials=("S2",))), 2).lines
    assert (line.lots, line.serials, line.places) == ((), ("S2",), ())


@given(
    seen=st.lists(snapshots, min_size=1, max_size=5), repeats=st.lists(st.integers(0, 4), max_size=4), chance=st.data()
)
def test_the_same_snapshots_give_the_same_facts_in_any_order_and_any_number(
    seen: list[Snapshot], repeats: list[int], chance: st.DataObject
) -> None:
    numbered = list(enumerate(seen, start=1))
    more = [numbered[place] for place in repeats if place < len(numbered)]
    shuffled = chance.draw(st.permutations(numbered + more))
    one, other = merged(numbered), merged(shuffled)
    assert one.order == other.order
    assert one.lines == other.lines


@given(seen=st.lists(snapshots, min_size=1, max_size=4), again=st.integers(0, 3))
def test_a_snapshot_that_was_merged_before_changes_nothing(seen: list[Snapshot], again: int) -> None:
    known = merged(list(enumerate(seen, start=1)))
    place = min(again, len(seen) - 1)
    repeated = noted(known, seen[place], place + 1)
    assert not repeated.changed
    assert (repeated.order, repeated.lines) == (known.order, known.lines)


@given(seen=st.lists(snapshots, min_size=1, max_size=4))
def test_the_newest_snapshot_sent_again_later_changes_nothing_but_how_new_it_is(seen: list[Snapshot]) -> None:
    known = merged(list(enumerate(seen, start=1)))
    newest = max(enumerate(seen, start=1), key=lambda one: Said(one[1].as_of or day(60), one[0], 0))[1]
    if (
        newest.as_of is None
    ):  # its receipt is all that tells how new it is: sent again, its refunds are as old as before
        return
    repeated = noted(known, newest, len(seen) + 1)
    assert not repeated.changed
    assert not repeated.superseded


def test_contents_x_y_x_are_three_changes() -> None:
    first = noted(None, snapshot(shown(quantity=2), as_of=day(1)), 1)
    second = noted(first, snapshot(shown(quantity=3), as_of=day(2)), 2)
    third = noted(second, snapshot(shown(quantity=2), as_of=day(3)), 3)
    assert [first.changed, second.changed, third.changed] == [True, True, True]
    assert third.lines[0].quantity == 2 * ONE


def test_a_line_that_a_newer_snapshot_does_not_list_keeps_its_facts() -> None:
    known = merged([(1, snapshot(shown(1), shown(2, "B", 3), as_of=day(1))), (2, snapshot(shown(1), as_of=day(2)))])
    assert meaning_of(known.lines) == {1: (1, "A", 2), 2: (2, "B", 3)}


def test_a_snapshot_older_in_every_line_is_superseded_and_one_that_is_newer_in_one_is_not() -> None:
    known = noted(None, snapshot(shown(1), as_of=day(2)), 1)
    assert noted(known, snapshot(shown(1, quantity=9), as_of=day(1)), 2).superseded
    assert not noted(known, snapshot(shown(1), shown(2, "B"), as_of=day(1)), 2).superseded


def test_only_an_event_that_may_ship_says_that_a_line_has_shipped() -> None:
    told = noted(None, snapshot(shown(shipped_at=day(2)), ships=False), 1)
    assert told.lines[0].ship_said is None
    assert told.lines[0].shipped_at is None
    shipped = noted(told, snapshot(shown(shipped_at=day(2), ship_date=date(2026, 11, 3))), 2)
    assert (shipped.lines[0].shipped_at, shipped.lines[0].ship_date) == (day(2), date(2026, 11, 3))
    assert shipped.changed


def test_an_older_shipment_that_comes_behind_a_newer_update_still_says_that_it_shipped() -> None:
    updated = noted(None, snapshot(shown(quantity=3), ships=False, as_of=day(5)), 1)
    shipped = noted(updated, snapshot(shown(quantity=2, shipped_at=day(2)), as_of=day(2)), 2)
    assert not shipped.superseded
    assert (shipped.lines[0].quantity, shipped.lines[0].shipped_at) == (3 * ONE, day(2))


def test_a_refund_keeps_the_moment_it_was_first_shown() -> None:
    later = noted(None, snapshot(shown(quantity_refunded=ONE), as_of=day(4), refunded_at=day(1)), 1)
    both = noted(later, snapshot(shown(quantity_refunded=ONE), as_of=day(2), refunded_at=day(1)), 2)
    assert [(refund.quantity, refund.as_of) for refund in both.lines[0].refunds] == [(ONE, day(2))]


def test_the_first_shipment_is_the_earliest_received() -> None:
    for order in itertools.permutations([(1, day(3)), (2, day(1)), (3, day(2))]):
        known = merged([(delivery, snapshot(shown(), as_of=as_of)) for delivery, as_of in order])
        assert known.order.first_ship_at == day(60) + timedelta(minutes=1)


class TestLinesKeyedAnew:
    def known(self) -> Merged:
        lines = (shown(1, "A", 1), shown(2, "B", 2), shown(3, "C", 3))
        return bound(noted(None, snapshot(*lines, as_of=day(1)), 1))

    def test_a_removed_line_shifts_the_others_and_keeps_no_quantity(self) -> None:
        edited = noted(self.known(), snapshot(shown(1, "B", 2), shown(2, "C", 3), as_of=day(2)), 2)
        assert meaning_of(edited.lines) == {1: (3, "A", 0), 2: (1, "B", 2), 3: (2, "C", 3)}
        assert edited.order.history == ("lines keyed anew: 1 to 3, 2 to 1, 3 to 2",)

    def test_an_inserted_line_shifts_the_others(self) -> None:
        lines = (shown(1, "NEW", 9), shown(2, "A", 1), shown(3, "B", 2), shown(4, "C", 3))
        edited = noted(self.known(), snapshot(*lines, as_of=day(2)), 2)
        assert meaning_of(edited.lines) == {1: (2, "A", 1), 2: (3, "B", 2), 3: (4, "C", 3), 4: (1, "NEW", 9)}

    def test_two_lines_that_swap_their_places_keep_their_bookings(self) -> None:
        lines = (shown(1, "B", 2), shown(2, "A", 1), shown(3, "C", 3))
        edited = noted(self.known(), snapshot(*lines, as_of=day(2)), 2)
        assert meaning_of(edited.lines) == {1: (2, "A", 1), 2: (1, "B", 2), 3: (3, "C", 3)}

    def test_other_goods_under_an_index_are_no_shift(self) -> None:
        edited = noted(self.known(), snapshot(shown(1, "X", 1), shown(2, "B", 2), as_of=day(2)), 2)
        assert meaning_of(edited.lines) == {1: (1, "X", 1), 2: (2, "B", 2), 3: (3, "C", 3)}
        assert edited.order.history == ()

    def test_an_older_snapshot_moves_no_line(self) -> None:
        late = noted(self.known(), snapshot(shown(1, "B", 2), as_of=day(0)), 2)
        assert meaning_of(late.lines) == {1: (1, "A", 1), 2: (2, "B", 2), 3: (3, "C", 3)}

    def test_lines_that_are_not_booked_take_the_newer_code_where_they_are(self) -> None:
        fresh = noted(None, snapshot(shown(1, "A", 1), shown(2, "B", 2), as_of=day(1)), 1)
        edited = noted(fresh, snapshot(shown(1, "B", 2), as_of=day(2)), 2)
        assert meaning_of(edited.lines) == {1: (1, "B", 2), 2: (2, "B", 2)}

    def test_the_edited_snapshot_again_changes_nothing(self) -> None:
        edit = snapshot(shown(1, "B", 2), shown(2, "C", 3), as_of=day(2))
        edited = noted(self.known(), edit, 2)
        assert not noted(edited, edit, 2).changed

    def test_a_refund_from_before_the_edit_stays_with_the_line_that_it_was_of(self) -> None:
        refund = snapshot(shown(1, "A", 1, quantity_refunded=ONE), shown(2, "B", 2), ships=False, as_of=day(1))
        edit = snapshot(shown(1, "B", 2), shown(2, "C", 3), as_of=day(3))
        edited = noted(noted(self.known(), refund, 2), edit, 3)
        again = noted(edited, refund, 2)
        assert not again.changed
        late = noted(noted(self.known(), edit, 3), refund, 2)
        assert [[refund.quantity for refund in line.refunds] for line in late.lines] == [[ONE], [], []]
        assert late.lines == edited.lines

    def test_a_snapshot_with_the_new_indexes_that_comes_late_is_read_by_them(self) -> None:
        lines = (shown(1, "NEW", 9), shown(2, "A", 1), shown(3, "B", 2), shown(4, "C", 3, quantity_refunded=ONE))
        edited = noted(self.known(), snapshot(*lines, as_of=day(5)), 3)
        late = noted(edited, snapshot(*lines, as_of=day(3)), 2)
        assert meaning_of(late.lines) == meaning_of(edited.lines)
        assert [len(line.refunds) for line in late.lines] == [0, 0, 1, 0]

    def test_a_line_that_only_an_old_snapshot_lists_gets_an_index_that_is_free(self) -> None:
        inserted = (shown(1, "NEW", 9), shown(2, "A", 1), shown(3, "B", 2), shown(4, "C", 3))
        edited = noted(self.known(), snapshot(*inserted, as_of=day(5)), 3)
        old = snapshot(shown(3, "C", 3), shown(4, "D", 4), as_of=day(1))
        late = noted(edited, old, 0)
        assert meaning_of(late.lines) == {
            1: (2, "A", 1),
            2: (3, "B", 2),
            3: (4, "C", 3),
            4: (1, "NEW", 9),
            5: (5, "D", 4),
        }
        assert not noted(late, old, 0).changed

    def test_a_snapshot_that_agrees_with_neither_tells_of_what_is_known_alone(self) -> None:
        edited = noted(self.known(), snapshot(shown(1, "C", 3), as_of=day(5)), 3)
        between = snapshot(shown(1, "B", 2, quantity_refunded=ONE), shown(2, "C", 3), as_of=day(3))
        late = noted(edited, between, 2)
        assert meaning_of(late.lines) == meaning_of(edited.lines)
        assert not any(line.refunds for line in late.lines)
        assert not noted(late, between, 2).changed

    def test_a_line_in_conflict_is_not_keyed_anew_by_the_same_contents_sent_again(self) -> None:
        known = bound(noted(None, snapshot(shown(1, "B", 3), shown(3, "A", 3), as_of=day(1)), 1))
        edit = snapshot(shown(1, "A", 3), shown(2, "B", 2), as_of=day(2))
        once = noted(known, edit, 2)
        again = noted(once, edit, 3)
        assert once.order.history == again.order.history == ()
        assert meaning_of(again.lines) == {1: (1, "A", 3), 2: (2, "B", 2), 3: (3, "A", 3)}

    def test_an_older_snapshot_never_moves_a_line_back(self) -> None:
        known = noted(self.known(), snapshot(shown(2, "B", 5), as_of=day(5)), 2)
        late = noted(known, snapshot(shown(1, "B", 5), as_of=day(3)), 3)
        assert late.order.rekeyed == ()
        assert [line.item_index for line in late.lines] == [1, 2, 3]


CODES = ("A", "B", "C", "D")


@st.composite
def listings(draw: st.DrawFn, lines: Sequence[tuple[str, int]]) -> Snapshot:
    """A snapshot of some moment that lists these goods in this order, shipped and refunded anyhow."""
    dates = st.none() | st.integers(0, 40).map(day)
    entries = [
        shown(index, code, much, shipped_at=draw(dates), quantity_refunded=draw(st.integers(0, 2)) * ONE)
        for index, (code, much) in enumerate(lines, start=1)
    ]
    return snapshot(*entries, ships=draw(st.booleans()), refunded_at=draw(dates))


@st.composite
def edits(draw: st.DrawFn) -> tuple[Merged, list[tuple[int, Snapshot]]]:
    """A booked order, and snapshots of the time before and after an edit that shifted its lines, oldest first."""
    before = [(code, n) for n, code in enumerate(CODES[: draw(st.integers(2, 4))], start=1)]
    after = draw(
        st.sampled_from([before[1:], [before[-1], *before[:-1]], [("NEW", 9), *before], before[:1] + before[2:]])
    )
    times = draw(st.integers(0, 2)), draw(st.integers(1, 3))
    told = [draw(listings(before)) for _ in range(times[0])] + [draw(listings(after)) for _ in range(times[1])]
    known = bound(noted(None, replace(draw(listings(before)), as_of=day(0)), 1))
    return known, [(n, replace(one, as_of=day(n))) for n, one in enumerate(told, start=2)]


def after_all(known: Merged, seen: Sequence[tuple[int, Snapshot]]) -> Merged:
    for delivery, one in seen:
        known = noted(known, one, delivery)
    return known


@given(story=edits(), chance=st.data())
def test_snapshots_from_before_and_after_an_edit_give_the_same_facts_in_any_order_and_any_number(
    story: tuple[Merged, list[tuple[int, Snapshot]]], chance: st.DataObject
) -> None:
    known, told = story
    repeats = chance.draw(st.lists(st.sampled_from(told), max_size=4))
    one, other = after_all(known, told), after_all(known, chance.draw(st.permutations(told + repeats)))
    assert one.order == other.order
    assert one.lines == other.lines


@given(seen=st.lists(snapshots, min_size=1, max_size=6), chance=st.data())
def test_whatever_came_first_no_snapshot_changes_anything_the_second_time(
    seen: list[Snapshot], chance: st.DataObject
) -> None:
    first = snapshot(shown(1, "A", 1), shown(2, "B", 2), shown(3, "B", 3), as_of=day(0))
    numbered = list(enumerate(seen, start=2))
    known = after_all(bound(noted(None, first, 1)), chance.draw(st.permutations(numbered)))
    again = after_all(known, chance.draw(st.lists(st.sampled_from(numbered), max_size=6)))
    assert again.order == known.order
    assert again.lines == known.lines


def test_facts_follow_the_channel_that_spoke_last() -> None:
    known = noted(None, snapshot(shown(), as_of=day(1)), 1, channel="old")
    renamed = noted(known, snapshot(shown(), as_of=day(1)), 2, channel="new")
    assert isinstance(renamed.order, Order)
    assert renamed.order.channel == "new"
