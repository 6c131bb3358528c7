"""What to tell a person about each kind of problem: a title, and what to do (design.md section 8)."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from stockhook.model import Notice, Problem


@dataclass(frozen=True, slots=True)
class Advice:
    """``title`` is the kind in words, ``subject`` what it is about, ``todo`` the next step, commands in backticks."""

    title: str
    subject: str
    todo: str


class _Kind(NamedTuple):
    title: str
    todo: str


_KINDS: Final[Mapping[str, _Kind]] = {
    "unknown-item": _Kind(
        "Unknown item",
        "Say what the code means: `stockhook items alias {subject} SKU` maps it to an item, `stockhook items ignore "
        "{subject}` leaves it out of stock for good; the page of problems does both. The orders that wait for it are "
        "then booked by themselves.",
    ),
    "insufficient-inventory": _Kind(
        "Insufficient inventory",
        "Book in what lies on the shelf: `stockhook stock receive {subject} QTY --location PATH`. What is owed is then "
        "settled by itself, oldest order first. What will never be covered is ended with `stockhook problems waive "
        "{problem} --reason WHY`.",
    ),
    "no-items": _Kind(
        "No items in orders",
        "In the store's webhook, edit the subscription to Order Ship and tick the expansion `item`; without it the "
        "store sends orders without their lines. Then let the store send such an order again.",
    ),
    "line-conflict": _Kind(
        "Line conflict",
        "The store changed what a line is after it was booked, and the booking stays as it is until you say which of "
        "them left: `stockhook orders correct {order} {line} --accept --reason WHY` gives back what was booked and "
        "books what the store says now; with `--refuse` the booking stays, and that code is not asked about again.",
    ),
    "regression": _Kind(
        "Less shipped than booked",
        "The store now says that less has shipped than was booked; nothing went back by itself. `stockhook orders show "
        "{order}` lists what was taken. Say what really left: `stockhook orders correct {order} {line} --quantity N "
        "--reason WHY`, or `--as-store` where the store is right; what left and came back is `--returned N`.",
    ),
    "refund-unclear": _Kind(
        "Refund unclear",
        "Part of the line was refunded, and it cannot be told whether before or after shipping, so all of it was "
        "booked. Say what really left: `stockhook orders correct {order} {line} --quantity N --reason WHY`, with N as "
        "booked if all of it did; what left and came back is `--returned N`.",
    ),
    "shipped-unclear": _Kind(
        "Unclear what shipped",
        "The order ships from several places and no line carries a date. It is booked by itself as soon as the store "
        'sends it with dates; if it never does, set `ship_rule = "order"` for the channel and run `stockhook events '
        "replay {event}`.",
    ),
    "kit-mismatch": _Kind(
        "Kit mismatch",
        "The order's components differ from the kit's definition here; what the order says was booked. Correct the "
        "kit in the store, or here with `stockhook items kit {subject} PART=QTY`, or `stockhook problems acknowledge "
        "{problem}`.",
    ),
    "linked-order": _Kind(
        "Linked order",
        "The order is linked to another one, and the same goods may be listed in both. Check that they were booked "
        "once with `stockhook orders show {order}`, then `stockhook problems acknowledge {problem}`.",
    ),
    "rejected-after-shipping": _Kind(
        "Rejected after shipping",
        "The order was rejected after its goods were booked; stock was left as it is. If the goods are back, "
        "`stockhook orders correct {order} LINE --returned N --reason WHY` for each line that `stockhook orders show "
        "{order}` lists; then `stockhook problems acknowledge {problem}`.",
    ),
    "wrong-merchant": _Kind(
        "Wrong merchant",
        "The event names another merchant than the channel does, so nothing was booked. Correct `merchant_id` in the "
        "config, or the target URL in the store, then `stockhook events replay {event}`.",
    ),
    "bad-lines": _Kind(
        "Unusable lines",
        "The order's lines cannot be trusted, so nothing was booked. The page /events/{event} shows what came; when "
        "the store has sent the order again correctly, `stockhook problems acknowledge {problem}`.",
    ),
    "quarantined": _Kind(
        "Unreadable delivery",
        "A delivery could not be understood; it is kept, and nothing of it was booked. The page /events/{event} "
        "shows it as it came. If a newer stockhook reads it, `stockhook events replay {event}`; if it is not ours, "
        "`stockhook problems acknowledge {problem}`.",
    ),
    "dead-letter": _Kind(
        "Given up",
        "An event failed again and again and was set aside; other orders go on. `stockhook events show {event}` says "
        "why. When the cause is gone, `stockhook events replay {event}`.",
    ),
    "bad-plan": _Kind(
        "Bad plan",
        "The strategy made a plan that breaks the rules, so nothing was booked by it. Correct the plugin, or choose "
        "another strategy in `[allocation]`, and restart; the lines that wait are then booked by themselves.",
    ),
    "refused-deliveries": _Kind(
        "Deliveries refused",
        "Requests came without the right credentials. If the store sent them, correct its target URL, user name and "
        "password to those of the config; it gives up a webhook that is refused for long. This ends by itself with the "
        "next delivery that is accepted.",
    ),
    "summary": _Kind(
        "Summary of",
        "`stockhook problems list` and the page of problems show what is open, and what to do about each; `stockhook "
        "stock receive` ends what is owed.",
    ),
    "channel-silent": _Kind(
        "Nothing comes",
        "No delivery has come for longer than the config expects. In the store, look whether orders have shipped, and "
        "whether its webhook is still there and enabled: a store gives up one that was refused for long. "
        "`stockhook deliveries list` shows what came last. This ends by itself with the next delivery.",
    ),
    "low-stock": _Kind(
        "Low stock",
        "Order or make more. `stockhook stock receive {subject} QTY --location PATH` books in what comes. Goods that "
        "are held or expired, or lie where no order takes from, do not count. This ends by itself above the mark, "
        "which `stockhook items set {subject} --reorder-at N` moves, and `--reorder-at none` takes away.",
    ),
    "disk-low": _Kind(
        "Disk is low",
        "Make room on the disk of the database: on a full disk deliveries are refused until there is some, and the "
        "store sends them again. Backups kept beside it are the first to look at; `[retention] payload_days` says how "
        "long payloads stay. This ends by itself.",
    ),
    "backlog-old": _Kind(
        "Backlog is old",
        "Events, or orders that something has changed for, wait longer than they should. `stockhook events list "
        "--state pending` shows the events, the daemon's log says what holds it up. This ends by itself when they are "
        "worked.",
    ),
    "notifier-failing": _Kind(
        "Notifier fails",
        "Notices cannot be sent; they are kept and tried again. Check `[notifiers.{subject}]` in the config and "
        "the server it names. This ends by itself with the next notice that is sent.",
    ),
}


def advise(about: Problem | Notice) -> Advice:
    """Return what to tell a person about a problem, or about the problem of a notice.

    A kind that is not known here, such as one of a later version, gets its own words and the way to the list.
    """
    kind = _KINDS.get(about.kind)
    subject = _subject(about)
    if kind is None:
        title = about.kind.replace("-", " ").capitalize()
        return Advice(title, subject, "`stockhook problems list` and the page of problems say more.")
    return Advice(
        kind.title,
        subject,
        kind.todo.format(
            subject=shlex.quote(subject),
            order=shlex.quote(about.order_id or "ORDER"),
            line=shlex.quote(about.subject.rpartition("/")[2]),
            event=about.event_id or "ID",
            problem=about.id if isinstance(about, Problem) else about.problem_id,
        ),
    )


def advise_group(notice: Notice) -> Advice:
    """Return what to tell a person about problems of a kind that are told as a group."""
    kind = _KINDS.get(notice.kind)
    title = kind.title if kind else notice.kind.replace("-", " ").capitalize()
    todo = "The page of problems has them all, each with what to do about it; so has `stockhook problems list`."
    return Advice(title, f"and {notice.count} more", todo)


def _subject(about: Problem | Notice) -> str:
    """Return the subject without the account before it: a person knows the code, the order."""
    account = about.account
    if account and about.subject.startswith((f"{account}/", f"{account} ")):
        return about.subject[len(account) + 1 :] or about.subject
    return about.subject
