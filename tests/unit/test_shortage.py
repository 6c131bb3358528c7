from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from stockhook.model import Shortage
from stockhook.quantity import ONE
from stockhook.shortage import Lack, change, still_open, without_goods
from stockhook.testing.clock import START

LACK = Lack("ultracart:DEMO", "D-1", 1, "A")


def row(number: int, quantity: int, *, settled: int = 0, waived: int = 0) -> Shortage:
    made = Shortage(number, LACK.account, LACK.order_id, LACK.line, LACK.sku, quantity, quantity, START)
    return replace(made, open=quantity - settled - waived, settled=settled, waived=waived)


def adds_up(one: Shortage) -> bool:
    parts = (one.open, one.settled, one.withdrawn, one.waived, one.counted)
    return one.quantity == sum(parts) and min(parts) >= 0


amounts = st.integers(0, 5 * ONE)
rows = st.lists(
    st.builds(
        lambda open_, settled, withdrawn, waived_: replace(
            row(1, open_ + settled + withdrawn + waived_),
            open=open_,
            settled=settled,
            withdrawn=withdrawn,
            waived=waived_,
        ),
        amounts,
        amounts,
        amounts,
        amounts,
    ),
    max_size=4,
).map(lambda made: [replace(one, id=number) for number, one in enumerate(made, start=1)])


@given(rows=rows, owed=amounts, goods=amounts, counted=amounts)
def test_whatever_changes_the_rows_add_up_and_as_much_is_open_as_is_owed(
    rows: list[Shortage], owed: int, goods: int, counted: int
) -> None:
    before = still_open(rows)
    settled = min(goods, max(before - owed, 0))
    changed = change(rows, LACK, owed=owed, settled=settled, counted=counted, new_id=99, now=START)
    after = {one.id: one for one in rows} | {one.id: one for one in changed}
    assert still_open(after.values()) == owed
    assert all(adds_up(one) for one in after.values())
    assert sum(one.settled for one in after.values()) - sum(one.settled for one in rows) == settled
    assert without_goods(after.values()) == without_goods(rows) + counted
    assert len({one.id for one in changed}) == len(changed)
    assert not [one for one in changed if one in rows], "only what changes is written"


def test_the_first_shortage_opens_a_row() -> None:
    (opened,) = change([], LACK, owed=3 * ONE, settled=0, new_id=7, now=START)
    assert opened == row(7, 3 * ONE)


def test_more_grows_the_row_that_is_open() -> None:
    (grown,) = change([row(1, ONE, settled=ONE), row(2, ONE)], LACK, owed=3 * ONE, settled=0, new_id=7, now=START)
    assert (grown.id, grown.quantity, grown.open) == (2, 3 * ONE, 3 * ONE)


def test_more_behind_closed_rows_opens_a_new_one() -> None:
    (opened,) = change([row(1, ONE, waived=ONE)], LACK, owed=ONE, settled=0, new_id=7, now=START)
    assert opened == row(7, ONE)


def test_less_closes_the_oldest_first_by_goods_and_then_by_the_store() -> None:
    changed = change([row(1, 2 * ONE), row(2, 2 * ONE)], LACK, owed=ONE, settled=2 * ONE, new_id=7, now=START)
    assert [(one.id, one.open, one.settled, one.withdrawn) for one in changed] == [
        (1, 0, 2 * ONE, 0),
        (2, ONE, 0, ONE),
    ]


def test_the_same_changes_nothing() -> None:
    assert change([row(1, ONE)], LACK, owed=ONE, settled=0, new_id=7, now=START) == []


def test_a_count_closes_the_oldest_first_and_what_was_never_open_is_a_row_of_its_own() -> None:
    closed, grown = change(
        [row(1, ONE), row(2, 2 * ONE)], LACK, owed=ONE, settled=0, counted=2 * ONE, new_id=7, now=START
    )
    assert [(one.id, one.open, one.counted, one.withdrawn) for one in (closed, grown)] == [
        (1, 0, ONE, 0),
        (2, ONE, ONE, 0),
    ]
    (never,) = change([], LACK, owed=0, settled=0, counted=3 * ONE, new_id=7, now=START)
    assert (never.id, never.quantity, never.open, never.counted) == (7, 3 * ONE, 0, 3 * ONE)
