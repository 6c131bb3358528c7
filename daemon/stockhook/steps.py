"""A method tried on the units offered: which strategies plan, in which tiers, and whether they keep the rules.

A strategy that cuts gets one tier after the other, with what is left of the need. One that must cover alone is offered
each tier by itself, and the first tier that covers wins; where none does, what comes after it runs (strategies.md 3).
"""

from collections.abc import Callable, Sequence
from dataclasses import field

from stockhook.errors import BadPlan
from stockhook.model import Need, Offer, Pick
from stockhook.quantity import Quantity, text
from stockhook.record import record, replace

Planner = Callable[[Need, Sequence[Offer]], Sequence[Pick]]


@record(frozen=True, slots=True)
class Attempt:
    """One strategy's turn at a need; ``alone``: one tier must cover all of it, or nothing is taken."""

    strategy: str
    version: str
    plan: Planner
    alone: bool = False


@record(frozen=True, slots=True)
class Method:
    """A strategy as configured: what the trace says of it, and its attempts, first to last.

    A unit must be good for ``min_shelf_life_days`` behind the ship date; ``last_day_good``: ``expires_on`` counts as
    a good day itself.
    """

    strategy: str
    version: str
    options: dict[str, object]
    attempts: tuple[Attempt, ...]
    min_shelf_life_days: int = 0
    last_day_good: bool = True


@record(frozen=False, slots=True)
class Decision:
    """What the attempts came to: what to take in the order of taking, and the units that would have been next.

    ``tier`` is the last one that was taken from, None where nothing was. ``deciding`` are the attempts that took,
    ``asked`` the strategies that planned.
    """

    left: Quantity
    picks: list[Pick] = field(default_factory=list)
    following: list[Pick] = field(default_factory=list)
    tier: int | None = None
    deciding: list[Attempt] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)


def decide(attempts: Sequence[Attempt], need: Need, tiers: Sequence[Sequence[Offer]]) -> Decision:
    """Return what to take from the tiers, each attempt checked; raises BadPlan, naming the strategy that broke a rule.

    An attempt that took units leaves to the next what is left of them and of the need.
    """
    decision = Decision(need.quantity)
    rest = tiers
    for attempt in attempts:
        if not decision.left or not any(rest):
            break
        before = len(decision.picks)
        (_cover if attempt.alone else _cut)(decision, attempt, need, rest)
        if len(decision.picks) > before:
            decision.deciding.append(attempt)
            rest = _without(decision.picks[before:], rest) if decision.left else rest
    if len(decision.deciding) > 1:
        decision.picks = _joined(decision.picks)
    return decision


def _cover(decision: Decision, attempt: Attempt, need: Need, tiers: Sequence[Sequence[Offer]]) -> None:
    """Take all that is left from the first tier of which the attempt covers it; else nothing."""
    for number, offers in enumerate(tiers):
        if sum(offer.available for offer in offers) < decision.left:
            continue
        chosen, following = _ask(decision, attempt, need, offers)
        if sum(pick.quantity for pick in chosen) == decision.left:
            decision.picks += chosen
            decision.following = following
            decision.tier, decision.left = number, 0
            return


def _cut(decision: Decision, attempt: Attempt, need: Need, tiers: Sequence[Sequence[Offer]]) -> None:
    """Take what the attempt finds in one tier after the other, as far as the need goes."""
    decision.following = []
    for number, offers in enumerate(tiers):
        if not offers:
            continue
        if not decision.left:
            break
        chosen, following = _ask(decision, attempt, need, offers)
        decision.following += following
        if chosen:
            decision.picks += chosen
            decision.left -= sum(pick.quantity for pick in chosen)
            decision.tier = number


def _ask(decision: Decision, attempt: Attempt, need: Need, offers: Sequence[Offer]) -> tuple[list[Pick], list[Pick]]:
    wanted = need if decision.left == need.quantity else replace(need, quantity=decision.left)
    planned = checked(attempt.strategy, attempt.plan, wanted, offers)
    decision.asked.add(attempt.strategy)
    return planned


def _without(picks: Sequence[Pick], tiers: Sequence[Sequence[Offer]]) -> Sequence[Sequence[Offer]]:
    """Return what is left of the offers behind the picks."""
    taken = {pick.unit_id: pick.quantity for pick in picks}
    return [
        [
            replace(offer, available=offer.available - taken[offer.id], opened=True) if offer.id in taken else offer
            for offer in offers
            if taken.get(offer.id, 0) < offer.available
        ]
        for offers in tiers
    ]


def _joined(picks: Sequence[Pick]) -> list[Pick]:
    """Return the picks with what two attempts took from one unit in one."""
    joined: dict[int, Pick] = {}
    for pick in picks:
        same = joined.get(pick.unit_id)
        joined[pick.unit_id] = replace(same, quantity=same.quantity + pick.quantity) if same else pick
    return list(joined.values())


def checked(strategy: str, plan: Planner, need: Need, offers: Sequence[Offer]) -> tuple[list[Pick], list[Pick]]:
    """Return the takes of a plan, and the units named as next; raises BadPlan where it breaks a rule (promise 7)."""
    try:
        planned = list(plan(need, offers))
    except BadPlan:
        raise
    except Exception as error:  # a plugin's code: whatever it raises is its own fault, and is named
        raise BadPlan(strategy, f"raised {type(error).__name__}: {error}") from error
    by_id = {offer.id: offer for offer in offers}
    chosen: list[Pick] = []
    following: list[Pick] = []
    seen: set[int] = set()
    for pick in planned:
        _check_pick(strategy, pick, by_id, seen)
        (chosen if pick.quantity else following).append(pick)
    total = sum(pick.quantity for pick in chosen)
    if total > need.quantity:
        raise BadPlan(strategy, f"took {text(total)} of {need.sku} where {text(need.quantity)} were needed")
    return chosen, following


def _check_pick(strategy: str, pick: object, offers: dict[int, Offer], seen: set[int]) -> None:
    sound = isinstance(pick, Pick) and type(pick.unit_id) is type(pick.quantity) is int and isinstance(pick.why, str)
    if not isinstance(pick, Pick) or not sound:
        raise BadPlan(strategy, f"returned {pick!r} where a Pick with a whole number of millionths was expected")
    offer = offers.get(pick.unit_id)
    if offer is None:
        raise BadPlan(strategy, f"took from unit {pick.unit_id}, which was not offered")
    if pick.unit_id in seen:
        raise BadPlan(strategy, f"named unit {pick.unit_id} twice")
    seen.add(pick.unit_id)
    if not 0 <= pick.quantity <= offer.available:
        raise BadPlan(
            strategy, f"took {text(pick.quantity)} from unit {pick.unit_id}, which has {text(offer.available)}"
        )
    if offer.serial is not None and pick.quantity not in (0, offer.available):
        raise BadPlan(strategy, f"cut the serial unit {pick.unit_id} ({offer.serial})")
