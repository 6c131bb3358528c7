"""What a person decides about the store's codes: which item one means, or that it is to be ignored.

An alias of a channel holds for the account whose orders the channel has brought so far, as the payloads write it
(``ultracart:DEMO``): the account, not the name of the config table, is what an order is known by.
"""

from dataclasses import dataclass, replace
from typing import Final

from stockhook import problems
from stockhook.batch import Batch, settling_turn
from stockhook.errors import NotFound, Refused
from stockhook.kits import read_lines
from stockhook.model import Alias, Item, Line, Order, OrderKey, OrderState, Part, Problem, ProblemState, fold
from stockhook.model.told import UNKNOWN_ITEM
from stockhook.operations.desk import Desk
from stockhook.operations.due import conflicts_gone, every, make_due, orders_of, pages, waiting_on_code
from stockhook.operations.items import add, checked_sku, known_item, save_new
from stockhook.operations.posting import Queue, booked, commit, settled
from stockhook.operations.rebooking import rebook as book_anew
from stockhook.operations.suggestions import did_you_mean, near
from stockhook.quantity import ONE, Quantity, text
from stockhook.store import Read, Work

_PAGE = 200

MOST_TRIED: Final = 100
"""Orders that are worked to show what a meaning would do: nobody else writes meanwhile."""

TRYING: Final = 1.0
"""Seconds that this may take; what takes longer is begun anew with fewer orders."""

_FEWER: Final = (30, 10, 3, 1)
"""So many, and not as many as there was time for: another look is to show the same, or it could not be confirmed."""


@dataclass(frozen=True, slots=True)
class BookedLine:
    """A line booked when its code meant something else; ``meant`` is that in words, with what was corrected of it."""

    order: OrderKey
    item_index: int
    code: str
    meant: str


@dataclass(frozen=True, slots=True)
class Mapped:
    """The alias as saved, how many orders are worked again, the lines booked otherwise, the orders booked anew."""

    alias: Alias
    due: int
    booked: tuple[BookedLine, ...] = ()
    rebooked: tuple[OrderKey, ...] = ()


def alias(
    desk: Desk, code: str, sku: str, factor: Quantity = ONE, channel: str | None = None, *, rebook: bool = False
) -> Mapped:
    """Have a store code mean ``factor`` of an item, for one channel's account or (None) for all.

    Orders that wait for the code are made due. Lines booked under another meaning stay as they are and are returned,
    unless ``rebook`` reverses them and books them anew, one commit per order (strategies.md section 2); what was
    corrected of them ends then. Raises Refused or NotFound, with nothing changed.
    """
    return _map(desk, code, sku, factor, channel, rebook=rebook)


def ignore(desk: Desk, code: str, channel: str | None = None) -> Mapped:
    """Have a store code move no stock, for one channel's account or (None) for all."""
    return _map(desk, code, None, ONE, channel, rebook=False)


def account_of(desk: Desk, channel: str) -> str:
    """Return the account whose orders a channel brings; ``channel`` may also be such an account itself.

    Raises NotFound for a channel that is not configured, Refused while no order of it has come.
    """
    with desk.store.read() as view:
        totals = view.totals(Order, by=("channel", "account"))
    known = {str(account) for _, account in (total.by for total in totals)}
    if channel in known:
        return channel
    if channel not in desk.policies.rules:
        meant = did_you_mean(near(channel, desk.policies.rules))
        raise NotFound(f"there is no channel {channel!r} in the configuration{meant}")
    accounts = sorted(str(account) for name, account in (total.by for total in totals) if name == channel)
    if not accounts:
        raise Refused(
            f"no order of channel {channel} has come yet, so it is not known for which account the code is; leave out "
            "--channel to have it hold for every channel"
        )
    if len(accounts) > 1:
        raise Refused(f"channel {channel} has brought orders of {', '.join(accounts)}; name one of these as --channel")
    return accounts[0]


def add_meant(desk: Desk, code: str, new: Item, channel: str | None = None) -> Mapped:
    """Add an item that a store code means: every channel's, where its sku is the code, as with any item.

    The item is there before its alias is: what stops between the two leaves the code to be mapped. Raises Refused.
    """
    added = add(desk, new.sku, new.name, serial=new.serial)
    if fold(added.item.sku) == fold(code):
        return Mapped(Alias("", fold(code), code, added.item.sku, ONE), added.due)
    return alias(desk, code, added.item.sku, ONE, channel)


def try_out(
    desk: Desk,
    code: str,
    sku: str | None,
    factor: Quantity = ONE,
    channel: str | None = None,
    *,
    new: Item | None = None,
) -> tuple[Mapped, int]:
    """Map a code (``sku`` None: ignore it) and work what waits for it in the same commit, which is to be undone.

    ``new`` is the item it is to mean, where that is yet to be added. What a rehearsal shows of it is what the daemon
    would book behind ``alias``, ``add_meant`` or ``ignore``. Returns how many of the orders were worked as well: the
    oldest, at most ``MOST_TRIED``, or fewer where plans are slow. Raises Refused or NotFound.
    """
    mapped = _meant(desk, code, sku, factor, channel, new)

    def attempt(work: Work) -> tuple[Mapped, int]:
        if new is not None:
            save_new(work, new)
        due = _saved(work, mapped)
        found = sorted((order for page in orders_of(work, due) for order in page), key=settling_turn)
        oldest = tuple(order.key for order in found[:MOST_TRIED])
        batch, worked = _worked(desk, work, oldest)
        commit(desk, work, batch, ())
        _close(desk, work, mapped)
        return Mapped(mapped, len(due)), worked

    return booked(desk, attempt)


def _worked(desk: Desk, work: Work, oldest: tuple[OrderKey, ...]) -> tuple[Batch, int]:
    """Work these orders; where that takes too long, so few of them that the next look will have time for as many."""
    while True:
        batch = Batch(desk.policies, work, oldest)
        worked, left = settled(desk, batch, Queue(oldest), seconds=TRYING)
        if set(left) <= set(worked):  # none but those that failed
            return batch, len(worked)
        oldest = oldest[: next((number for number in _FEWER if number < len(worked)), 0)]


def _meant(
    desk: Desk, code: str, sku: str | None, factor: Quantity, channel: str | None, new: Item | None = None
) -> Alias:
    """Return what a code is to mean; raises Refused or NotFound for a code, factor, channel or item that is none."""
    if factor <= 0:
        raise Refused(f"the factor {text(factor)} makes no sense; give how many {sku} one {code} is, like 12")
    written = checked_sku(code)
    account = "" if channel is None else account_of(desk, channel)
    with desk.store.read() as view:
        item = new if new is not None or sku is None else known_item(view, sku)
    return Alias(account, fold(written), written, item.sku if item else None, factor)


def _saved(work: Work, mapped: Alias) -> set[OrderKey]:
    """Save what a code means, and return the orders that wait for that."""
    work.save([mapped])
    return waiting_on_code(work, mapped.code, mapped.account) | conflicts_gone(work)


def _map(desk: Desk, code: str, sku: str | None, factor: Quantity, channel: str | None, *, rebook: bool) -> Mapped:
    if rebook:
        desk.refuse_in_shadow("--rebook")
    mapped = _meant(desk, code, sku, factor, channel)
    action = "items ignore" if mapped.sku is None else "items alias"
    with desk.changing(action, mapped.written, account=mapped.account, meaning=_meaning(mapped)) as work:
        due = _saved(work, mapped)
        make_due(desk, work, due)
        _close(desk, work, mapped)
    otherwise, unbooked = _look_through(desk, mapped)
    if unbooked - due:
        with desk.store.write() as work:
            make_due(desk, work, unbooked - due)
    rebooked: tuple[OrderKey, ...] = ()
    if rebook and otherwise:
        keys = list(dict.fromkeys(line.order for line in otherwise))
        rebooked = tuple(book_anew(desk, keys, mapped.code, f"{mapped.written} now means {_meaning(mapped)}"))
    return Mapped(mapped, len(due | unbooked), otherwise, rebooked)


def _meaning(mapped: Alias) -> str:
    return "nothing" if mapped.sku is None else f"{text(mapped.factor)} x {mapped.sku}"


def _close(desk: Desk, work: Work, mapped: Alias) -> None:
    """Close the unknown-item problems of the code that no order waits on; the others end when their orders do."""
    closed = []
    for problem in every(work, Problem, {"state": ProblemState.OPEN, "kind": UNKNOWN_ITEM}):
        account, _, code = problem.subject.partition("/")
        if fold(code) == mapped.code and mapped.account in ("", account) and problems.cause_gone(work, problem):
            closed.append(replace(problem, state=ProblemState.CLOSED, last_seen=desk.clock.now()))
    problems.save(work, closed, desk.subscriptions, desk.clock.now())


def _look_through(desk: Desk, mapped: Alias) -> tuple[tuple[BookedLine, ...], set[OrderKey]]:
    """Return the lines of the code booked under another meaning, and the orders that shipped it and did not book it."""
    otherwise: dict[tuple[OrderKey, int], BookedLine] = {}
    unbooked: set[OrderKey] = set()
    with desk.store.read() as view:
        spellings = {str(total.by[0]) for total in view.totals(Line, by=("code",))}
        where: dict[str, object] = {"code": frozenset(code for code in spellings if fold(code) == mapped.code)}
        if mapped.account:
            where["account"] = mapped.account
        for lines in pages(view, Line, where, _PAGE) if where["code"] else ():
            unbooked |= {OrderKey(ln.account, ln.order_id) for ln in lines if ln.binding is None and ln.ship_said}
            keys = {OrderKey(ln.account, ln.order_id) for ln in lines if ln.binding is not None}
            for state in view.orders(keys).values():
                lines_of = _booked_otherwise(desk, view, state, mapped)
                otherwise |= {(line.order, line.item_index): line for line in lines_of}
    return tuple(otherwise.values()), unbooked


def _booked_otherwise(desk: Desk, view: Read, state: OrderState, mapped: Alias) -> list[BookedLine]:
    """Return the lines of an order that would consume something else, were they booked now."""
    catalogue = view.catalogue({(line.account, fold(line.code)) for line in state.lines})
    if catalogue.aliases.get((state.order.account, mapped.code), mapped) != mapped:
        return []  # the account has an alias of its own, and what holds for all does not touch it
    concerned = {line.number for line in state.lines if fold(line.code) == mapped.code and line.binding is not None}
    free = [replace(line, binding=None) if line.number in concerned else line for line in state.lines]
    readings = read_lines(free, catalogue, desk.policies.rules_for(state.order.channel).kits)
    found = []
    for line, reading in zip(state.lines, readings.lines, strict=True):
        if line.number in concerned and line.binding is not None and line.binding.parts != reading.parts:
            found.append(BookedLine(state.order.key, line.item_index, line.code, _in_words(line, line.binding.parts)))
    return found


def _in_words(line: Line, parts: tuple[Part, ...]) -> str:
    meant = ", ".join(f"{text(part.quantity)} x {part.sku}" for part in parts) or "nothing"
    return f"{meant}, corrected by {text(line.ruling)}" if line.ruling else meant
