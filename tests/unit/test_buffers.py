from hypothesis import given
from hypothesis import strategies as st

from stockhook.buffers import KEPT, LARGEST, Buffers


def test_memory_that_was_given_back_is_used_again() -> None:
    buffers = Buffers()
    first = buffers.take(900_000)
    whole = first.obj
    buffers.give(first)
    again = buffers.take(700_000)
    assert again.obj is whole
    assert len(again) == 700_000


@given(st.lists(st.tuples(st.integers(1, LARGEST), st.booleans()), max_size=40))
def test_no_two_who_hold_memory_share_it_and_little_is_kept(wanted: list[tuple[int, bool]]) -> None:
    buffers = Buffers()
    held: list[memoryview] = []
    for size, gives in wanted:
        memory = buffers.take(size)
        assert len(memory) == size
        held.append(memory)
        assert len({id(each.obj) for each in held}) == len(held)
        if gives:
            buffers.give(held.pop(0))
        assert len(buffers._spare) <= KEPT
        assert all(len(each) <= LARGEST for each in buffers._spare)


def test_the_largest_are_kept() -> None:
    buffers = Buffers()
    taken = [buffers.take(size) for size in (90, 10, 50, 20, 70, 30)]
    for each in taken:
        buffers.give(each)
    assert sorted(len(each) for each in buffers._spare) == [30, 50, 70, 90]
