import dataclasses
from dataclasses import field

import pytest

from stockhook.record import record, replace


@record(frozen=True, slots=True)
class Box:
    """What the tests put things in."""

    label: str
    weight: int = 1
    things: dict[str, int] = field(default_factory=dict)

    @property
    def heavy(self) -> bool:
        return self.weight > 10


@record(frozen=False, slots=True)
class Tally:
    """What the tests count with."""

    count: int = 0


def test_a_record_cannot_be_changed_and_has_room_for_its_fields_alone() -> None:
    box = Box("a")
    with pytest.raises(AttributeError):
        box.label = "b"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        box.colour = "red"  # type: ignore[attr-defined]
    assert box == Box("a")


def test_one_that_is_not_frozen_can_be_changed() -> None:
    tally = Tally()
    tally.count += 1
    assert tally == Tally(1)


def test_records_are_compared_by_their_fields_and_hashed_if_frozen() -> None:
    assert Tally(1) != Tally(2)
    assert hash(replace(Box("a"), things=())) == hash(Box("a", 1, ()))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="unhashable"):
        hash(Tally())


def test_each_record_gets_its_own_default() -> None:
    assert Box("a").things is not Box("a").things


def test_a_record_says_what_is_in_it_and_keeps_its_words_and_properties() -> None:
    assert repr(Box("a", 12)) == "Box(label='a', weight=12, things={})"
    assert Box("a", 12).heavy
    assert Box.__doc__ == "What the tests put things in."
    assert Box.__module__ == __name__


def test_records_are_dataclasses_to_the_standard_library() -> None:
    box = Box("a", 3, {"soap": 1})
    assert dataclasses.is_dataclass(Box)
    assert [each.name for each in dataclasses.fields(Box)] == ["label", "weight", "things"]
    assert dataclasses.replace(box, weight=4) == replace(box, weight=4) == Box("a", 4, {"soap": 1})
    assert dataclasses.asdict(box) == {"label": "a", "weight": 3, "things": {"soap": 1}}


def test_a_change_of_what_is_no_field_is_refused() -> None:
    with pytest.raises(TypeError, match="colour"):
        replace(Box("a"), colour="red")  # type: ignore[call-arg]


def test_an_option_of_a_field_that_a_struct_does_not_know_is_refused_and_not_passed_over() -> None:
    with pytest.raises(TypeError, match="secret of Keep"):

        @record(frozen=True, slots=True)
        class Keep:
            secret: str = field(repr=False)
