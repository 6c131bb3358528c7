"""A booked line that the store now says is something else: taken over, or refused (strategies.md section 1)."""

from stockhook.errors import Refused
from stockhook.kits import means_other, resolve
from stockhook.model import Line, fold
from stockhook.operations.corrections.case import Case, Corrected, Decided, correct
from stockhook.operations.desk import Desk
from stockhook.operations.rebooking import freed
from stockhook.quantity import ONE, Quantity, text, times
from stockhook.record import replace


def accept(desk: Desk, order: str, item_index: int, reason: str) -> Corrected:
    """Take over what the store now says a line is: what was booked is reversed, and the line bound and booked anew.

    With a kit line goes its group: its components were bound with it. A ruling on what the line was ends.
    """
    return correct(desk, order, item_index, reason, _accept)


def refuse(desk: Desk, order: str, item_index: int, reason: str) -> Corrected:
    """Keep a line booked as it is, and never ask again for the code that the store now says."""
    return correct(desk, order, item_index, reason, _refuse)


def _accept(case: Case) -> Decided:
    line = case.line
    booked_as = _require_conflict(case)
    if resolve(line.account, line.code, case.batch.catalogue) is None:
        raise Refused(
            f"the store's code {line.code} means no item yet, so {case.name} could not be booked anew; map it first: "
            f"stockhook items alias {line.code} SKU"
        )
    members = [aim.reading.line for aim in case.aims if aim.reading.group == line.number]
    lines = [freed(case.draft, each, case.batch.pool, case.reason) for each in (members or [line])]
    words = f"line {line.item_index}: accepted that {booked_as} is {line.code} now, reversed and booked anew"
    return Decided(words, tuple(lines), {"kind": "accept", "from": booked_as, "to": line.code})


def _refuse(case: Case) -> Decided:
    line = case.line
    booked_as = _require_conflict(case)
    code = fold(line.code)
    if code in line.refused:
        raise Refused(f"{case.name}: {line.code} was refused before; accept it to take it over after all")
    kept = replace(line, refused=(*line.refused, code), ruling=_ruling(case))
    words = f"line {line.item_index}: refused that {booked_as} is {line.code} now, it stays booked as {booked_as}"
    return Decided(words, (kept,), {"kind": "refuse", "from": booked_as, "to": line.code})


def _ruling(case: Case) -> Quantity:
    """Return the ruling by which a refused line keeps its booking: the store's quantity is that of another item."""
    line, aim = case.line, case.aim
    parts = aim.reading.parts or ()
    if not aim.shipped or aim.reason is not None or not parts:
        return line.ruling
    if len(parts) == 1:
        return case.applied(line, parts[0].sku) - times(aim.units, parts[0].quantity)
    kits = {case.applied(line, part.sku) * ONE // part.quantity for part in parts if part.quantity}
    whole = next(iter(kits)) if len(kits) == 1 else None
    return line.ruling if whole is None else whole - aim.units


def _require_conflict(case: Case) -> str:
    """Return the code that the line is booked as; raises Refused where the store does not say another item."""
    line = case.line
    if line.binding is None:
        raise Refused(f"nothing is booked for {case.name}: there is nothing to accept or refuse")
    if not means_other(line, case.batch.catalogue):
        raise Refused(
            f"{case.name} is booked as {_in_words(line)}, and that is what the store says ({line.code}): there is "
            "nothing to accept or refuse"
        )
    return line.binding.code


def _in_words(line: Line) -> str:
    """Return what a line is booked as, in words."""
    parts = line.binding.parts if line.binding else ()
    return " and ".join(f"{text(part.quantity)} x {part.sku}" for part in parts) or "nothing"
