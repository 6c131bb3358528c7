"""The one routine: from what is known and what is booked to what to book (strategies.md sections 1 to 5).

A pure function but for the running pool, from which it takes. A webhook, a replay, a mapped code, a receipt: each only
makes an order due, and this decides what that means. Booking the difference between what the store says and what is
booked makes repeats and disorder harmless.
"""

from collections.abc import Iterator

from stockhook import groups, telling
from stockhook.allocation import Plan, Pool, allocate
from stockhook.choice import Choices
from stockhook.claim import Claim
from stockhook.draft import Cause, Draft, Signal
from stockhook.errors import BadPlan
from stockhook.kits import means_other
from stockhook.model import (
    NEW,
    Allocation,
    Catalogue,
    EventState,
    How,
    Line,
    Movement,
    Need,
    OrderState,
    Shortage,
    Unit,
    Wait,
    WaitKind,
    fold,
)
from stockhook.model.told import INSUFFICIENT
from stockhook.quantity import Quantity, times
from stockhook.record import record, replace
from stockhook.rules import ChannelRules, ShortagePolicy
from stockhook.shortage import still_open
from stockhook.suspense import mirror
from stockhook.target import Shipped, Target, aims_of
from stockhook.verdict import verdict


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
    units: tuple[Unit, ...] = ()
    happened: tuple[Signal, ...] = ()
    standing: tuple[Signal, ...] = ()
    settled: tuple[tuple[str, str], ...] = ()
    skus: frozenset[str] = frozenset()
    judged: bool = True

    @property
    def books(self) -> bool:
        """Tell whether anything is booked beyond facts."""
        return bool(self.movements or self.shortages)


def evaluate(
    state: OrderState,
    rules: ChannelRules,
    catalogue: Catalogue,
    pool: Pool,
    choices: Choices,
    *,
    cause: Cause,
    ids: Iterator[int],
) -> Evaluation:
    """Return what to book so that what is booked equals what is known; ``ids`` gives placeholders.

    A strategy whose plan is refused books nothing: the reason is ``bad-plan``, and the pool is as it was.
    """
    mark = pool.mark()
    try:
        return _Routine(rules, catalogue, pool, choices, Draft(state, cause, ids)).run()
    except BadPlan as error:
        pool.rollback(mark)
        wait = Wait(state.order.account, state.order.order_id, WaitKind.STRATEGY, error.strategy)
        waits = (*(old for old in state.waits if old != wait), wait)
        signal = Signal("bad-plan", error.strategy, str(error))
        kept = replace(state, waits=waits)
        booked = any(take.remaining for take in state.takes)
        became = EventState.SHORT if booked else EventState.PARKED
        return Evaluation(kept, became, "bad-plan", str(error), happened=(signal,), judged=False)


@record(frozen=True, slots=True)
class _Routine:
    """One evaluation: what decides, and the draft that it fills."""

    rules: ChannelRules
    catalogue: Catalogue
    pool: Pool
    choices: Choices
    draft: Draft

    def run(self) -> Evaluation:
        state = self.draft.state
        readings, shipped, aims = aims_of(state, self.catalogue, self.rules)
        if shipped is Shipped.UNCLEAR:
            telling.shipped_unclear(self.draft)
        else:
            self._book(aims)
            telling.kits(self.draft, readings)
        telling.order_itself(self.draft)
        return self._conclude(self._final_lines(aims, shipped), aims, shipped)

    # --- what is wanted ---

    def _book(self, aims: list[Target]) -> None:
        for aim in aims:
            if aim.unexplained and (aim.reading.consumes or aim.reading.how is How.KIT):
                telling.refund_unclear(self.draft, aim)
        if any(take.movement_id >= NEW for take in self.draft.takes):
            self._make_up_for_takes(aims)
        sound = [aim for aim in aims if not self._conflict(aim.reading.line)]
        split = self._split(aims, sound)
        sound = [aim for aim in sound if aim.reading.group not in split.held]
        unknown = [aim.reading for aim in sound if aim.reading.parts is None and aim.units]
        unknown = [reading for reading in unknown if reading.group not in split.complete]
        claims = [claim for aim in sound for claim in self._claims(aim, split)]
        for reading in unknown:
            telling.unknown(self.draft, reading)
        claims = [self._end_counted(claim) for claim in claims]
        for claim in claims:
            if claim.want < 0:
                self._give_back(claim)
            elif claim.want == 0 and claim.open and not claim.otherwise:
                self._owe(claim, owed=0, settled=0)
        wanting = [claim for claim in claims if claim.want > 0 or (claim.want == 0 and claim.otherwise)]
        wanting = wanting if self.draft.cause.settles else self._leave_owed(wanting)
        self._allocate(wanting, {reading.group for reading in unknown})
        for aim in sound:
            self._take_back(aim, sound)
        mirror(self.draft, self.pool, self.rules.on_shortage)

    def _split(self, aims: list[Target], sound: list[Target]) -> groups.Split:
        """Tell finished kits from components; under ``line``, what is owed has not been decided yet."""
        owed_counts = self.rules.on_shortage is not ShortagePolicy.LINE
        catalogue, pool = self.catalogue, self.pool
        return groups.split(aims, sound, self.draft, catalogue, pool, self._plan, owed_counts=owed_counts)

    def _claims(self, aim: Target, split: groups.Split) -> list[Claim]:
        """Return target + ruling - (what is booked for good) per item; open shortages are part of what is wanted."""
        line = aim.reading.line
        claims = []
        for part in aim.reading.parts or ():
            applied = self.draft.applied(line, part.sku, owed=False)
            claims.append(split.claim(aim, part, applied, still_open(self.draft.shortages(line, part.sku))))
        return claims

    def _conflict(self, line: Line) -> bool:
        """Tell whether a booked line now means another item; such a line alone waits for a person."""
        if line.binding is None or fold(line.code) in line.refused or not means_other(line, self.catalogue):
            return False
        telling.conflict(self.draft, line, line.binding.code)
        return True

    def _make_up_for_takes(self, aims: list[Target]) -> None:
        """Have counts stand against what a person's correction took in this unit of work, before this evaluation."""
        for aim in aims:
            if aim.moment is not None:
                self.draft.already_counted(aim.reading.line, self.pool, aim.moment)

    def _end_counted(self, claim: Claim) -> Claim:
        """Close what was owed before a count of the shelf that came after the shipment; the count stands."""
        ended = min(claim.open, claim.want)
        if ended <= 0 or not self._counted(claim):
            return claim
        self.draft.close_counted(claim.line, claim.sku, ended)
        self.draft.settled.append((INSUFFICIENT, claim.sku))
        otherwise = None if claim.otherwise is None else claim.otherwise - ended
        return replace(claim, want=claim.want - ended, open=claim.open - ended, otherwise=otherwise)

    def _counted(self, claim: Claim) -> bool:
        """Tell whether a place that the line may be taken from was counted since it shipped."""
        moment = claim.target.moment
        choice = self.choices.choose(self.rules, claim.sku, claim.line.center)
        return moment is not None and self.pool.shelf_counted(claim.sku, choice.locations, moment)

    # --- giving back ---

    def _take_back(self, aim: Target, aims: list[Target]) -> None:
        """Book the return of what was refunded for a reason that puts goods back, less what has come back already."""
        line = aim.reading.line
        for n, part in enumerate(aim.reading.parts or () if aim.back else ()):
            consumed = self.draft.consumed(line, part.sku)
            back = times(aim.back, part.quantity)
            if aim.reading.how is How.STOCKED_FIRST and n == 0:
                back = groups.gathered(aim, aims, self.catalogue).finished_back(back, consumed)
            left = min(back, consumed) - self.draft.returned(line, part.sku)
            if left > 0:
                reason = line.return_reason or "refunded"
                self.draft.take_back(line, part.sku, left, self.pool, to=self.rules.restock_to, reason=reason)

    def _give_back(self, claim: Claim) -> None:
        """Withdraw what was owed; take back an inferred shipment; anything else is for a person (regression)."""
        line = claim.line
        if claim.open:
            self._owe(claim, owed=0, settled=0)
        surplus = -claim.want
        if line.inferred and not claim.target.shipped:
            surplus -= self.draft.reverse(line, claim.sku, surplus, self.pool, "not-shipped")
        if surplus:
            telling.regression(self.draft, claim, surplus)

    # --- taking ---

    def _leave_owed(self, claims: list[Claim]) -> list[Claim]:
        """Return the claims of groups to which nothing is owed; the others get nothing, and stay owed."""
        owed = {claim.target.reading.group for claim in claims if claim.open}
        left = [claim for claim in claims if claim.target.reading.group in owed]
        self._put_back(left)
        for claim in left:
            self._owe(claim.in_components, owed=claim.in_components.want, settled=0)
        return [claim for claim in claims if claim not in left]

    def _allocate(self, claims: list[Claim], unknown_groups: set[int]) -> None:
        """Allocate what is wanted under the shortage policy; what a line names first, then by item index."""
        claims.sort(key=lambda claim: (not claim.line.serials, not claim.line.lots, claim.line.item_index))
        policy = self.rules.on_shortage
        if policy in (ShortagePolicy.PARTIAL, ShortagePolicy.NEGATIVE):
            for claim in claims:
                self._take_part(claim)
        elif policy is ShortagePolicy.LINE:
            by_group: dict[int, list[Claim]] = {}
            for claim in claims:
                by_group.setdefault(claim.target.reading.group, []).append(claim)
            for group, members in by_group.items():
                if group in unknown_groups:
                    self._put_back(members)
                else:
                    self._take_whole(members)
        elif unknown_groups:
            self._put_back(claims)
        else:
            self._take_whole(claims)

    def _take_part(self, claim: Claim) -> None:
        """Plan a claim and book what is found; what is not is owed."""
        plan = claim.plan or self._plan(claim)
        self._book_plan(claim, plan, self._gone(claim, plan))

    def _book_plan(self, claim: Claim, plan: Plan, counted: Quantity) -> None:
        if plan.taken:
            self._consume(claim, plan)
        self._owe(claim, owed=claim.want - plan.taken - counted, settled=plan.taken, counted=counted)

    def _take_whole(self, claims: list[Claim]) -> None:
        """Plan claims and book them, all of them or nothing."""
        mark = self.pool.mark()
        plans = [claim.plan or self._plan(claim) for claim in claims]
        gone = [self._gone(claim, plan) for claim, plan in zip(claims, plans, strict=True)]
        planned = list(zip(claims, plans, gone, strict=True))
        short = [claim for claim, plan, counted in planned if claim.want - plan.taken > counted]
        if not short:
            for each in planned:
                self._book_plan(*each)
            return
        self.pool.rollback(mark)
        self._put_back(claims)
        if self.rules.on_shortage is ShortagePolicy.ORDER:
            for claim in short:
                telling.wait_for_stock(self.draft, claim)
        else:
            for claim in (each.in_components for each in claims):
                ended = claim.want if self._counted(claim) else 0
                self._owe(claim, owed=claim.want - ended, settled=0, counted=ended)

    def _gone(self, claim: Claim, plan: Plan) -> Quantity:
        """Return how much of what is lacking is owed no more: the goods were gone before a count, which stands.

        Beside goods of a unit that was counted since, nothing lacks either: these are not taken twice, so they would
        be there for the rest as well.
        """
        lack, moment = claim.want - plan.taken, claim.target.moment
        if not lack or moment is None:
            return 0
        beside = any(self.pool.unit_counted(pick.unit_id, moment) for pick in plan.picks)
        return lack if beside or self._counted(claim) else 0

    def _put_back(self, claims: list[Claim]) -> None:
        """Return to the pool what had been planned for claims that book nothing."""
        for claim in claims:
            for pick in claim.plan.picks if claim.plan else ():
                self.pool.move(pick.unit_id, pick.quantity)

    def _consume(self, claim: Claim, plan: Plan) -> None:
        self.draft.consume(claim.line, claim.target.reading.binding, claim.want, claim.sku, plan)
        if claim.target.moment is not None:
            self.draft.already_counted(claim.line, self.pool, claim.target.moment)

    def _plan(self, claim: Claim) -> Plan:
        line = claim.line
        self.draft.skus.add(claim.sku)
        choice = self.choices.choose(self.rules, claim.sku, line.center)
        need = Need(claim.sku, claim.want, claim.target.ship_date, line.lots, line.serials, line.places)
        limits = choice.limits(self.catalogue.items.get(fold(claim.sku)))
        plan = allocate(need, limits, self.pool, choice.method)
        self.draft.settled += [("bad-plan", strategy) for strategy in plan.asked]
        return plan

    def _owe(self, claim: Claim, *, owed: Quantity, settled: Quantity, counted: Quantity = 0) -> None:
        if owed == claim.open and not counted:
            return
        self.draft.owe(claim.line, claim.sku, owed=owed, settled=settled, counted=counted)
        self.draft.bound[claim.line.number] = claim.target.reading.binding
        if owed > claim.open:
            telling.insufficient(self.draft, claim, owed)
        elif owed < claim.open:
            self.draft.settled.append((INSUFFICIENT, claim.sku))

    # --- the end ---

    def _final_lines(self, aims: list[Target], shipped: Shipped) -> tuple[Line, ...]:
        """Return the lines with what the booking changed: first bookings bind a line, and the kit line of its group."""
        bound = {aim.reading.group for aim in aims if aim.reading.line.number in self.draft.bound}
        lines = []
        for aim in aims:
            line = aim.reading.line
            binding = line.binding or self.draft.bound.get(line.number)
            if binding is None and line.number in bound and aim.reading.parts is not None:
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
        telling.settled(draft)
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
            units=tuple(draft.units),
            happened=tuple(draft.happened),
            standing=tuple(draft.standing),
            settled=tuple(draft.settled),
            skus=frozenset(draft.skus),
        )
