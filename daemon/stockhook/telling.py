"""What an evaluation tells a person: the problems of an order, and the waits that go with them, put into a draft."""

from typing import Final

from stockhook.claim import Claim
from stockhook.draft import Draft, Signal
from stockhook.kits import Reading, Readings
from stockhook.model import Line, WaitKind, fold
from stockhook.model.told import INSUFFICIENT, UNKNOWN_ITEM
from stockhook.quantity import Quantity, text
from stockhook.target import Target

NO_ITEMS: Final = "no-items"
"""What an order waits for whose newest ``order_ship`` came without its lines."""


def conflict(draft: Draft, line: Line, booked_as: str) -> None:
    """Have a booked line that now means another item wait for a person, by itself."""
    draft.wait(WaitKind.PERSON, str(line.item_index))
    draft.stands(
        "line-conflict",
        line,
        f"line {line.item_index} was booked as {booked_as}, the store now says {line.code}; the booking stands",
    )


def unknown(draft: Draft, reading: Reading) -> None:
    """Have a line wait for its code, and tell of it once."""
    line, code = reading.line, fold(reading.line.code)
    if not draft.waited(WaitKind.CODE, code):
        words = f"order {line.order_id} ships {text(line.quantity)} of {line.code}, which is no item of ours"
        draft.happened.append(Signal(UNKNOWN_ITEM, f"{line.account}/{line.code.upper()}", words))
    draft.wait(WaitKind.CODE, code)


def regression(draft: Draft, claim: Claim, surplus: Quantity) -> None:
    """Tell that more is booked than the store allows, and stays so until a person rules."""
    line = claim.line
    says = "is a test order" if draft.state.order.test else f"says {text(claim.target.units)} have shipped"
    draft.stands(
        "regression",
        line,
        f"{text(surplus)} more {claim.sku} are booked for line {line.item_index} than the store allows: "
        f"it now {says}; nothing goes back by itself",
    )


def insufficient(draft: Draft, claim: Claim, owed: Quantity) -> None:
    """Tell that so much of what a line wants could not be found."""
    order_id = claim.line.order_id
    words = f"order {order_id} shipped {text(claim.want)} of {claim.sku}, {text(owed)} of it could not be found"
    draft.happened.append(Signal(INSUFFICIENT, claim.sku, words))


def wait_for_stock(draft: Draft, claim: Claim) -> None:
    """Have the order wait for an item of which there is too little, and tell of it once."""
    if not draft.waited(WaitKind.ITEM, claim.sku):
        insufficient(draft, claim, claim.want)
    draft.wait(WaitKind.ITEM, claim.sku)


def shipped_unclear(draft: Draft) -> None:
    """Have the order wait for ship dates, beside what it waited for before."""
    draft.waits += [wait for wait in draft.state.waits if wait.kind in (WaitKind.CODE, WaitKind.ITEM)]
    draft.wait(WaitKind.FACTS, "shipped-unclear")
    draft.stands(
        "shipped-unclear",
        None,
        "an order_ship came without a ship date on any line, and its lines lie in several distribution centers; "
        "which of them left cannot be told until a snapshot with dates comes",
    )


def refund_unclear(draft: Draft, aim: Target) -> None:
    """Tell of a refund of which nobody knows whether the goods had left before it, or which goods it means."""
    line, words = aim.reading.line, []
    before = aim.unexplained - aim.cut
    if before:
        words.append(
            f"{text(before)} of line {line.item_index} ({line.code}) were refunded before the order was first seen, "
            "dated after the shipment; all of the line was booked"
        )
    if aim.cut:
        words.append(
            f"the refund of its kit comes to {text(aim.cut)} of line {line.item_index} ({line.code}) beyond whole "
            "units, which was booked: nothing but whole units is kept back"
        )
    draft.stands("refund-unclear", line, "; ".join(words))


def order_itself(draft: Draft) -> None:
    """Tell what holds of the order whatever its lines say."""
    order = draft.state.order
    if draft.waited(WaitKind.FACTS, NO_ITEMS):
        draft.wait(WaitKind.FACTS, NO_ITEMS)
    if order.rejected and any(take.remaining for take in draft.takes):
        draft.stands("rejected-after-shipping", None, "was rejected, but goods are booked as shipped for it")
    if order.linked:
        draft.stands("linked-order", None, "is linked to another order; look once whether both list the same goods")


def kits(draft: Draft, readings: Readings) -> None:
    """Tell of kits that came otherwise than defined, and settle those that came as defined."""
    draft.happened += [Signal("kit-mismatch", kit.sku, kit.text) for kit in readings.mismatches]
    draft.settled += [("kit-mismatch", sku) for sku in readings.agreeing]


def settled(draft: Draft) -> None:
    """Note the problems whose cause may have gone: the order no longer waits for it."""
    for wait in draft.state.waits:
        if wait in draft.waits:
            continue
        if wait.kind is WaitKind.CODE:
            draft.settled.append((UNKNOWN_ITEM, f"{wait.account}/{wait.subject.upper()}"))
        elif wait.kind is WaitKind.ITEM:
            draft.settled.append((INSUFFICIENT, wait.subject))
        elif wait.kind is WaitKind.STRATEGY:
            draft.settled.append(("bad-plan", wait.subject))
