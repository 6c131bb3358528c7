"""What to do about each kind of problem on the pages: mails and commands have it from ``advice``, in commands."""

from collections.abc import Mapping
from typing import Final

from stockhook.advice import advise
from stockhook.model import KINDS, Problem

_HERE: Final[Mapping[str, str]] = {
    "insufficient-inventory": (
        "Book in what lies on the shelf: what is owed is then settled by itself, oldest order first. What "
        "will never come can be waived."
    ),
    "line-conflict": (
        "The store changed what a line is after it was booked, and the booking stays as it is until you say "
        "which of them left. The page of the line has a form for each: one gives back what was booked and "
        "books what the store says now, the other keeps the booking, and that code is not asked about again."
    ),
    "regression": (
        "The store now says that less has shipped than was booked; nothing went back by itself. Say on the "
        "page of the line what really left, or that the store is right, or what left and came back."
    ),
    "refund-unclear": (
        "Part of the line was refunded, and it cannot be told whether before or after shipping, so all of it "
        "was booked. Say on the page of the line what really left (as much as is booked, if all of it did), "
        "or what left and came back."
    ),
    "shipped-unclear": (
        "The order ships from several places and no line carries a date. It is booked by itself as soon as "
        'the store sends it with dates; if it never does, set `ship_rule = "order"` for the channel in the '
        "config, restart, and run the event again."
    ),
    "kit-mismatch": (
        "The order's components differ from the kit's definition here; what the order says was booked. "
        "Correct the kit in the store, or here (`stockhook items kit SKU PART=QTY`), or acknowledge it."
    ),
    "linked-order": (
        "The order is linked to another one, and the same goods may be listed in both. See on the pages of "
        "both that they were booked once, then acknowledge it."
    ),
    "rejected-after-shipping": (
        "The order was rejected after its goods were booked; stock was left as it is. If the goods are back, "
        "say so for each line on the page of the order (Correct: Some of it came back); then acknowledge it."
    ),
    "wrong-merchant": (
        "The event names another merchant than the channel does, so nothing was booked. Correct `merchant_id` "
        "in the config, or the target URL in the store, then run the event again."
    ),
    "bad-lines": (
        "The order's lines cannot be trusted, so nothing was booked. The page of the event shows what came; "
        "when the store has sent the order again correctly, acknowledge it."
    ),
    "quarantined": (
        "A delivery could not be understood; it is kept, and nothing of it was booked. The page of the event "
        "shows it as it came. If a newer stockhook reads it, run the event again; if it is not ours, "
        "acknowledge it."
    ),
    "dead-letter": (
        "An event failed again and again and was set aside; other orders go on. The page of the event says "
        "why. When the cause is gone, run it again."
    ),
    "channel-silent": (
        "No delivery has come for longer than the config expects. In the store, look whether orders have "
        "shipped, and whether its webhook is still there and enabled: a store gives up one that was refused "
        "for long. The page of channels shows what came last. This ends by itself with the next delivery."
    ),
    "low-stock": (
        "Order or make more; the page of the item has the form that receives what comes. Goods that are held "
        "or expired, or lie where nothing is picked from, do not count. This ends by itself above the mark, "
        "which that page changes or takes away."
    ),
    "backlog-old": (
        "Events, or orders that something has changed for, wait longer than they should. The list of events shows "
        "those that are pending, the daemon's log says what holds it up. This ends by itself when they are worked."
    ),
}


def here(problem: Problem) -> str:
    """Return what to do about a problem where a person sees it; its advice, where that names no command of a page."""
    if problem.kind not in KINDS:
        return "This version of stockhook does not know problems of this kind; the words above are all there is."
    return _HERE.get(problem.kind) or advise(problem).todo
