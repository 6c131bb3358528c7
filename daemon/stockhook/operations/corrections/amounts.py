"""How much really left of a line: a person's word against the store's (strategies.md section 7)."""

from functools import partial

from stockhook.errors import Refused
from stockhook.groups import gathered
from stockhook.kits import Reading, means_other, whole_step
from stockhook.model import How, Line, Part, fold
from stockhook.operations.corrections.case import Case, Corrected, Decided, correct, refund_unclear
from stockhook.operations.desk import Desk
from stockhook.quantity import ONE, Quantity, text, times
from stockhook.record import replace
from stockhook.target import Shipped

_UNCLEAR = (
    "the store has not said which lines of the order have shipped. They are booked when it sends ship dates; if it "
    'never does, set `ship_rule = "order"` for the channel and replay the event'
)


def set_quantity(desk: Desk, order: str, item_index: int, quantity: Quantity, reason: str) -> Corrected:
    """Book that ``quantity`` really left of a line, whatever the store says now and again.

    It counts the item that the line is booked as, in the item's own units; for a line of several items, such as a kit
    by definition, it counts kits: each takes all of its parts. The ruling of the line moves with it, so that no repeat
    undoes it. Less is reversed, last taken first; more is taken by the strategy, and owed where there is too little.
    """
    return correct(desk, order, item_index, reason, partial(_set_quantity, quantity=quantity))


def follow_store(desk: Desk, order: str, item_index: int, reason: str) -> Corrected:
    """Set a line's ruling back to nothing, and book what the store says has shipped of it."""
    return correct(desk, order, item_index, reason, _follow_store)


def _set_quantity(case: Case, quantity: Quantity) -> Decided:
    if quantity < 0:
        raise Refused(f"{text(quantity)} cannot have left; give what really left of {case.name}, 0 if nothing did")
    _require_sense(case)
    _require_whole(case, quantity)
    aim, said = case.aim, _said(case)
    if quantity and (not aim.shipped or aim.reason):
        why = "has not shipped" if not aim.shipped else f"moves no stock here ({aim.reason})"
        raise Refused(
            f"the store says that {case.name} {why}; a quantity ruled now comes on top of what it says later. What "
            "is booked stays so until it does; `stockhook problems acknowledge` ends the problem that tells of it"
        )
    return _booked(case, quantity, said, f"corrected from {_present(case)} to {text(quantity)}", "quantity")


def _follow_store(case: Case) -> Decided:
    _require_sense(case)
    said = _said(case)
    return _booked(case, said, said, f"booked as the store says, {text(said)}, instead of {_present(case)}", "as-store")


def _booked(case: Case, quantity: Quantity, said: Quantity, words: str, kind: str) -> Decided:
    """Give up what is booked beyond ``quantity``; what is missing, the evaluation that follows books."""
    ruling = quantity - said
    ruled = replace(case.line, ruling=ruling)
    given_up = False
    kept = 0
    for line, sku, wanted in _wanted(case, ruled, quantity):
        surplus = case.applied(line, sku) - wanted
        if surplus > 0:
            given_up = True
            kept = max(kept, case.give_up(line, sku, surplus))
    if kept:
        raise Refused(
            f"{text(kept)} of what was taken for {case.name} came back already: it left, and was returned, so "
            f"{text(quantity)} is too little; nothing was changed"
        )
    asked = refund_unclear(case.work, case.line) is not None
    if not given_up and ruling == case.line.ruling and not asked:
        raise Refused(f"{case.name} is booked as {_present(case)} already, and {_in_words(ruling)}: nothing to correct")
    rulings = {"ruling": text(ruling), "ruling_before": text(case.line.ruling)}
    details = {"kind": kind, "quantity": text(quantity), **rulings}
    return Decided(f"line {case.line.item_index} {words}", (ruled,), details, rules=True)


def _wanted(case: Case, ruled: Line, quantity: Quantity) -> list[tuple[Line, str, Quantity]]:
    """Return how much of which item on which line ``quantity`` of the line is."""
    parts = _parts(case)
    if case.aim.reading.how is not How.STOCKED_FIRST:
        return [(case.line, part.sku, times(quantity, part.quantity) if len(parts) > 1 else quantity) for part in parts]
    aim = replace(case.aim, reading=replace(case.aim.reading, line=ruled))
    group = gathered(aim, case.aims, case.batch.catalogue)
    kits = times(quantity, group.part.quantity) if len(parts) > 1 else quantity
    finished = min(case.draft.consumed(case.line, group.part.sku), kits)
    wanted = [(case.line, group.part.sku, finished)]
    wanted += [(each.aim.reading.line, each.part.sku, each.due(kits - finished)) for each in group.members]
    return wanted


def _parts(case: Case) -> tuple[Part, ...]:
    return case.aim.reading.parts or ()


def _said(case: Case) -> Quantity:
    """Return what the store says has left, in the units in which the line's ruling counts."""
    parts = _parts(case)
    return times(case.aim.units, parts[0].quantity) if len(parts) == 1 else case.aim.units


def _present(case: Case) -> str:
    """Return what the line is booked as, in words."""
    if case.aim.reading.how is How.STOCKED_FIRST:
        return f"{text(_said(case) + case.line.ruling)} kits"
    booked = [(case.applied(case.line, part.sku), part.sku) for part in _parts(case)]
    return text(booked[0][0]) if len(booked) == 1 else " and ".join(f"{text(n)} {sku}" for n, sku in booked)


def _in_words(ruling: Quantity) -> str:
    if not ruling:
        return "that is what the store says"
    return f"a person ruled {text(abs(ruling))} {'more' if ruling > 0 else 'less'} than the store says"


def _require_sense(case: Case) -> None:
    """Raise Refused for a line of which no quantity can be ruled now, with what can be done instead."""
    line, reading = case.line, case.aim.reading
    if case.shipped is Shipped.UNCLEAR:
        raise Refused(_UNCLEAR)
    if reading.parts is None:
        raise Refused(
            f"the code {line.code} of {case.name} means no item yet; map it first: stockhook items alias {line.code} "
            "SKU"
        )
    if not reading.parts:
        raise Refused(f"{case.name} ({line.code}) moves no stock: {_why_none(case, reading)}")
    if means_other(line, case.batch.catalogue) and fold(line.code) not in line.refused:
        raise Refused(
            f"{case.name} was booked as {line.binding.code if line.binding else ''}, and the store now says "
            f"{line.code}; first accept that, or refuse it"
        )


def _why_none(case: Case, reading: Reading) -> str:
    heads = {aim.reading.line.number: aim.reading.line.item_index for aim in case.aims}
    if reading.how is How.KIT:
        return "its components do; correct the lines of these"
    if reading.how is How.COVERED:
        return f"its kit does; correct line {heads[reading.group]}"
    return "its code is to be ignored; `stockhook items alias` gives it a meaning"


def _require_whole(case: Case, quantity: Quantity) -> None:
    """Raise Refused for a part of a piece that has a serial number."""
    for part in _parts(case):
        amount = times(quantity, part.quantity) if len(_parts(case)) > 1 else quantity
        if whole_step(part.sku, case.batch.catalogue) == ONE and amount % ONE:
            raise Refused(f"{part.sku} has serial numbers: {text(amount)} of it cannot leave; give whole pieces")
