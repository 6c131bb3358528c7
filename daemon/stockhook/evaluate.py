"""The one routine: from what is known and what is booked to what to book (strategies.md sections 1 to 5).

A pure function but for the running pool, from which it takes. A webhook, a replay, a mapped code, a receipt: each only
makes an order due, and this decides what that means. Booking the difference between what the store says and what is
booked makes repeats and disorder harmless.
"""

from collections.abc import Iterator
from typing import Final

from stockhook.allocation import Limits, Method, Plan, Pool, allocate
from stockhook.draft import Cause, Draft, Signal
from stockhook.errors import BadPlan
from stockhook.kits import Reading, Readings, read_lines, resolve
from stockhook.model import (
    Allocation,
    Catalogue,
    EventState,
    How,
    Line,
    Movement,
    Need,
    OrderState,
    Part,
    Shortage,
    Wait,
    WaitKind,
    fold,
)
from stockhook.quantity import Quantity, text, times
from stockhook.record import record, replace
from stockhook.rules import ChannelRules, ShortagePolicy
from stockhook.shortage import still_open, waived
from stockhook.target import Shipped, Target, how_shipped, targets
from stockhook.verdict import verdict

NO_ITEMS: Final = "no-items"
"""What an order waits for whose newest ``order_ship`` came without its lines."""


@record(frozen=True, slots=True)
class Evaluation:
    """What to book for one order, and what became of it.

    ``state`` is all that is kept of the order afterwards. ``happened`` are new occurrences to be counted, ``standing``
    the problems of this order that hold now, ``settled`` (kind, subject) whose cause may have gone. Not ``judged``: a
    plan was refused, and what holds of the order could not be told.
    """

    state: OrderState
    verdict: EventState
    reason: str | None
    text: str
    lines: tuple[Line, ...] = ()
    allocations: tuple[Allocation, ...] = ()
    movements: tuple[Movement, ...] = ()
    shortages: tuple[Shortage, ...] = ()
    happened: tuple[Signal, ...] = ()
    standing: tuple[Signal, ...] = ()
    settled: tuple[tuple[str, str], ...] = ()
    skus: frozenset[str] = frozenset()
    judged: bool = True

    @property
    def books(self) -> bool:
        """Tell whether anything is booked beyond facts."""
        return bool(self.movements or self.shortages)


@record(frozen=True, slots=True)
class _Claim:
    """What one line still wants of one item, in item units; negative where too much is booked."""

    target: Target
    sku: str
    want: Quantity
    open: Quantity

    @property
    def line(self) -> Line:
        return self.target.reading.line


def evaluate(
    state: OrderState,
    rules: ChannelRules,
    catalogue: Catalogue,
    pool: Pool,
    method: Method,
    *,
    cause: Cause,
    ids: Iterator[int],
) -> Evaluation:
    """Return what to book so that what is booked equals what is known; ``ids`` gives placeholders.

    A strategy whose plan is refused books nothing: the reason is ``bad-plan``, and the pool is as it was.
    """
    mark = pool.mark()
    try:
        return _Routine(rules, catalogue, pool, method, Draft(state, cause, ids)).run()
    except BadPlan as error:
        pool.rollback(mark)
        wait = Wait(state.order.account, state.order.order_id, WaitKind.STRATEGY, error.strategy)
        waits = (*(old for old in state.waits if old != wait), wait)
        signal = Signal("bad-plan", error.strategy, str(error))
        kept = replace(state, waits=waits)
        booked = any(take.remaining for take in state.takes)
        verdict = EventState.SHORT if booked else EventState.PARKED
        return Evaluation(kept, verdict, "bad-plan", str(error), happened=(signal,), judged=False)


@record(frozen=True, slots=True)
class _Routine:
    """One evaluation: what decides, and the draft that it fills."""

    rules: ChannelRules
    catalogue: Catalogue
    pool: Pool
    method: Method
    draft: Draft

    def run(self) -> Evaluation:
        state = self.draft.state
        readings = read_lines(state.lines, self.catalogue, self.rules.kits)
        shipped = how_shipped(state.order, readings.lines, self.rules.ship_rule)
        aims = targets(state.order, readings.lines, self.rules, shipped)
        if shipped is Shipped.UNCLEAR:
            self._unclear()
        else:
            self._book(aims)
            self._tell_of_kits(readings)
        self._tell_of_order()
        return self._conclude(self._final_lines(aims, shipped), aims, shipped)

    # --- what is wanted ---

    def _book(self, aims: list[Target]) -> None:
        for aim in aims:
            if aim.unexplained and (aim.reading.consumes or aim.reading.how is How.KIT):
                self._refund_unclear(aim)
        sound = [aim for aim in aims if not self._conflict(aim.reading.line)]
        unknown = [aim.reading for aim in sound if aim.reading.parts is None and aim.units]
        claims = [claim for aim in sound for claim in self._claims(aim)]
        for reading in unknown:
            self._unknown(reading)
        for claim in claims:
            if claim.want < 0:
                self._give_back(claim)
            elif claim.want == 0 and claim.open:
                self._owe(claim, owed=0, settled=0)
        self._allocate([claim for claim in claims if claim.want > 0], {reading.group for reading in unknown})

    def _claims(self, aim: Target) -> list[_Claim]:
        """Return target + ruling - (what is booked for good) per item; open shortages are part of what is wanted."""
        line = aim.reading.line
        claims = []
        for n, part in enumerate(aim.reading.parts or ()):
            rows = self.draft.shortages(line, part.sku)
            ruling = line.ruling if n == 0 else 0
            want = times(aim.units, part.quantity) + ruling - self.draft.consumed(line, part.sku) - waived(rows)
            claims.append(_Claim(aim, part.sku, want, still_open(rows)))
        return claims

    def _conflict(self, line: Line) -> bool:
        """Tell whether a booked line now means another item; such a line alone waits for a person."""
        bound = line.binding
        if bound is None or not bound.parts or fold(line.code) == fold(bound.code):
            return False
        meaning = resolve(line.account, line.code, self.catalogue)
        if isinstance(meaning, Part) and bound.parts == (meaning,):
            return False
        self.draft.wait(WaitKind.PERSON, str(line.item_index))
        self.draft.stands(
            "line-conflict",
            line,
            f"line {line.item_index} was booked as {bound.code}, the store now says {line.code}; the booking stands",
        )
        return True

    def _unknown(self, reading: Reading) -> None:
        line, code = reading.line, fold(reading.line.code)
        if not self.draft.waited(WaitKind.CODE, code):
            words = f"order {line.order_id} ships {text(line.quantity)} of {line.code}, which is no item of ours"
            self.draft.happened.append(Signal("unknown-item", f"{line.account}/{line.code.upper()}", words))
        self.draft.wait(WaitKind.CODE, code)

    # --- giving back ---

    def _give_back(self, claim: _Claim) -> None:
        """Withdraw what was owed; take back an inferred shipment; anything else is for a person (regression)."""
        line = claim.line
        if claim.open:
            self._owe(claim, owed=0, settled=0)
        surplus = -claim.want
        if line.inferred and not claim.target.shipped:
            surplus -= self.draft.reverse(line, claim.sku, surplus, self.pool, "not-shipped")
        if surplus:
            test = self.draft.state.order.test
            says = "is a test order" if test else f"says {text(claim.target.units)} have shipped"
            self.draft.stands(
                "regression",
                line,
                f"{text(surplus)} more {claim.sku} are booked for line {line.item_index} than the store allows: "
                f"it now {says}; nothing goes back by itself",
            )

    # --- taking ---

    def _allocate(self, claims: list[_Claim], unknown_groups: set[int]) -> None:
        """Allocate what is wanted under the shortage policy; lot-pinned lines first, then by item index."""
        claims.sort(key=lambda claim: (not claim.line.lots, claim.line.item_index))
        policy = self.rules.on_shortage
        if policy is ShortagePolicy.PARTIAL:
            for claim in claims:
                self._take([claim], whole=False)
        elif policy is ShortagePolicy.LINE:
            groups: dict[int, list[_Claim]] = {}
            for claim in claims:
                groups.setdefault(claim.target.reading.group, []).append(claim)
            for group, members in groups.items():
                if group not in unknown_groups:
                    self._take(members, whole=True)
        elif not unknown_groups:
            self._take(claims, whole=True)

    def _take(self, claims: list[_Claim], *, whole: bool) -> None:
        """Plan claims and book them; ``whole``: all of them or nothing."""
        mark = self.pool.mark()
        plans = [self._plan(claim) for claim in claims]
        short = [claim for claim, plan in zip(claims, plans, strict=True) if plan.taken < claim.want]
        if not whole or not short:
            for claim, plan in zip(claims, plans, strict=True):
                if plan.taken:
                    self.draft.consume(claim.line, claim.target.reading.binding, claim.want, claim.sku, plan)
                self._owe(claim, owed=claim.want - plan.taken, settled=plan.taken)
            return
        self.pool.rollback(mark)
        if self.rules.on_shortage is ShortagePolicy.ORDER:
            for claim in short:
                self._wait_for_stock(claim)
        else:
            for claim in claims:
                self._owe(claim, owed=claim.want, settled=0)

    def _plan(self, claim: _Claim) -> Plan:
        line = claim.line
        self.draft.skus.add(claim.sku)
        rule, locations = self._locations(line)
        need = Need(claim.sku, claim.want, claim.target.ship_date)
        return allocate(need, Limits(rule, locations, claim.target.ship_date, line.lots), self.pool, self.method)

    def _locations(self, line: Line) -> tuple[str, tuple[str, ...]]:
        places = self.rules.centers.get(fold(line.center)) if line.center else None
        if places:
            return f"distribution center {line.center}", places
        if self.rules.locations:
            return "the locations of [allocation]", self.rules.locations
        return "any location", ()

    def _owe(self, claim: _Claim, *, owed: Quantity, settled: Quantity) -> None:
        if owed == claim.open:
            return
        self.draft.owe(claim.line, claim.sku, owed=owed, settled=settled)
        if owed > claim.open:
            self.draft.bound[claim.line.number] = claim.target.reading.binding
            self._insufficient(claim, owed)
        else:
            self.draft.settled.append(("insufficient-inventory", claim.sku))

    def _wait_for_stock(self, claim: _Claim) -> None:
        if not self.draft.waited(WaitKind.ITEM, claim.sku):
            self._insufficient(claim, claim.want)
        self.draft.wait(WaitKind.ITEM, claim.sku)

    def _insufficient(self, claim: _Claim, owed: Quantity) -> None:
        order_id = claim.line.order_id
        words = f"order {order_id} shipped {text(claim.want)} of {claim.sku}, {text(owed)} of it could not be found"
        self.draft.happened.append(Signal("insufficient-inventory", claim.sku, words))

    # --- what is told, and the end ---

    def _unclear(self) -> None:
        self.draft.waits += [wait for wait in self.draft.state.waits if wait.kind in (WaitKind.CODE, WaitKind.ITEM)]
        self.draft.wait(WaitKind.FACTS, "shipped-unclear")
        self.draft.stands(
            "shipped-unclear",
            None,
            "an order_ship came without a ship date on any line, and its lines lie in several distribution centers; "
            "which of them left cannot be told until a snapshot with dates comes",
        )

    def _refund_unclear(self, aim: Target) -> None:
        line = aim.reading.line
        self.draft.stands(
            "refund-unclear",
            line,
            f"{text(aim.unexplained)} of line {line.item_index} ({line.code}) were refunded before the order was first "
            "seen, dated after the shipment; all of the line was booked",
        )

    def _tell_of_order(self) -> None:
        draft, order = self.draft, self.draft.state.order
        if draft.waited(WaitKind.FACTS, NO_ITEMS):
            draft.wait(WaitKind.FACTS, NO_ITEMS)
        if order.rejected and any(take.remaining for take in draft.takes):
            draft.stands("rejected-after-shipping", None, "was rejected, but goods are booked as shipped for it")
        if order.linked:
            draft.stands("linked-order", None, "is linked to another order; look once whether both list the same goods")

    def _tell_of_kits(self, readings: Readings) -> None:
        self.draft.happened += [Signal("kit-mismatch", kit.sku, kit.text) for kit in readings.mismatches]
        self.draft.settled += [("kit-mismatch", sku) for sku in readings.agreeing]

    def _final_lines(self, aims: list[Target], shipped: Shipped) -> tuple[Line, ...]:
        """Return the lines with what the booking changed: first bookings bind a line, and the kit line of its group."""
        groups = {aim.reading.group for aim in aims if aim.reading.line.number in self.draft.bound}
        lines = []
        for aim in aims:
            line = aim.reading.line
            binding = line.binding or self.draft.bound.get(line.number)
            if binding is None and line.number in groups and aim.reading.parts is not None:
                binding = aim.reading.binding
            inferred = line.inferred
            if shipped is not Shipped.UNCLEAR and binding is not None:
                inferred = aim.inferred
            if binding is not line.binding or inferred != line.inferred:
                line = replace(line, binding=binding, inferred=inferred)
            lines.append(line)
        return tuple(lines)

    def _conclude(self, lines: tuple[Line, ...], aims: list[Target], shipped: Shipped) -> Evaluation:
        draft = self.draft
        for wait in draft.state.waits:
            if wait not in draft.waits and wait.kind is WaitKind.CODE:
                draft.settled.append(("unknown-item", f"{wait.account}/{wait.subject.upper()}"))
            elif wait not in draft.waits and wait.kind is WaitKind.ITEM:
                draft.settled.append(("insufficient-inventory", wait.subject))
            elif wait not in draft.waits and wait.kind is WaitKind.STRATEGY:
                draft.settled.append(("bad-plan", wait.subject))
        if draft.allocations:
            draft.settled.append(("bad-plan", self.method.strategy))
        state, reason, words = verdict(draft, aims, shipped)
        before = {line.number: line for line in draft.state.lines}
        return Evaluation(
            state=OrderState(
                draft.state.order, lines, tuple(draft.takes), tuple(draft.rows.values()), tuple(draft.waits)
            ),
            verdict=state,
            reason=reason,
            text=words,
            lines=tuple(line for line in lines if line is not before[line.number]),
            allocations=tuple(draft.allocations),
            movements=tuple(draft.movements),
            shortages=tuple(draft.changed_rows.values()),
            happened=tuple(draft.happened),
            standing=tuple(draft.standing),
            settled=tuple(draft.settled),
            skus=frozenset(draft.skus),
        )
