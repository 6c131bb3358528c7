"""When refused deliveries are worth a person's while."""

from stockhook.refusals import FEW, KEPT, MANY, Alarm, Refusals


def test_five_refusals_with_the_right_path_within_ten_minutes_are() -> None:
    refusals = Refusals()
    for now in (0, 100, 200, 300):
        refusals.refused("shop", now, right_path=True)
    assert refusals.take() == []
    refusals.refused("shop", 600, right_path=True)
    assert refusals.take() == [Alarm("shop", FEW, right_path=True)]
    assert refusals.take() == []


def test_five_over_a_longer_time_or_with_a_success_between_are_not() -> None:
    refusals = Refusals()
    for n in range(50):
        refusals.refused("shop", n * 151, right_path=True)
    for n in range(50):
        refusals.refused("other", n, right_path=True)
        if n % 4 == 3:
            refusals.accepted("other")
    refusals.accepted("third")
    assert refusals.take() == []


def test_a_hundred_of_any_kind_in_an_hour_are_each_time() -> None:
    refusals = Refusals()
    for n in range(2 * MANY):
        refusals.refused("shop", n, right_path=False)
        refusals.accepted("shop")
    assert refusals.take() == [Alarm("shop", MANY, right_path=False)] * 2
    for n in range(2 * MANY):
        refusals.refused("slow", n * 37, right_path=False)
    assert refusals.take() == []


def test_channels_are_counted_by_themselves() -> None:
    refusals = Refusals()
    for n in range(4):
        refusals.refused("one", n, right_path=True)
        refusals.refused("two", n, right_path=True)
    assert refusals.take() == []


def test_alarms_that_could_not_be_told_are_taken_again_before_newer_ones_and_are_not_kept_without_end() -> None:
    refusals = Refusals()
    old = Alarm("old", FEW, right_path=True)
    refusals.put_back([old])
    for n in range(KEPT * FEW):
        refusals.refused("shop", n, right_path=True)
    refusals.put_back(refusals.take())
    taken = refusals.take()
    assert (taken[0], {alarm.channel for alarm in taken[1:]}, len(taken)) == (old, {"shop"}, KEPT)
