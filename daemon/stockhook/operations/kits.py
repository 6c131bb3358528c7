"""What is wrong with kits: as they are kept, and as orders bring them.

The former is told by ``stockhook check`` and beside the problems. It is stored nowhere but worked out each time it is
shown, so that it goes away by itself with its cause. The latter is a problem of the kind ``kit-mismatch``.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from stockhook import problems
from stockhook.kits import multiply_out, read_lines, resolve, whole_step
from stockhook.model import (
    Catalogue,
    How,
    Kit,
    KitPolicy,
    Line,
    OrderKey,
    Part,
    Problem,
    ProblemState,
    Shortage,
    Unit,
    Wait,
    WaitKind,
    fold,
)
from stockhook.operations.desk import Desk
from stockhook.operations.due import by_account, waiting_orders
from stockhook.quantity import Quantity, text
from stockhook.rules import ChannelRules, ShortagePolicy
from stockhook.store import FOREVER, Range, Read, Work

MISMATCH: Final = "kit-mismatch"

Rules = Mapping[str, ChannelRules]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something about a kit that a person should look at: what is found, and what to do."""

    sku: str
    text: str


def faults(view: Read, rules: Rules) -> list[Fault]:
    """Return what is wrong with our own definitions under the channels' ``rules``, by sku; cheap enough for a page."""
    kits = sorted(view.find(Kit, most=FOREVER), key=lambda kit: fold(kit.sku))
    if not kits:
        return []
    catalogue = view.catalogue((), {kit.sku for kit in kits})
    found = [Fault(kit.sku, f"kit {kit.sku} {words}") for kit in kits for words in _unsound(kit, catalogue)]
    sound = [kit for kit in kits if kit.sku not in {fault.sku for fault in found}]
    contents = {kit.sku: multiply_out(kit.sku, catalogue) for kit in sound}
    skus = frozenset(contents) | {part.sku for parts in contents.values() for part in parts}
    filled = view.totals(Unit, ("sku",), {"sku": skus, "quantity": Range(low=1)})
    stocked = {str(total.by[0]): total.amount for total in filled}
    for kit in sound:
        words = _beside(kit, contents[kit.sku], stocked, rules)
        if words is not None:
            found.append(Fault(kit.sku, f"kit {kit.sku} {words}"))
    return found


def all_faults(view: Read, rules: Rules) -> list[Fault]:
    """Return ``faults``, and what the orders show: kits that came otherwise than defined, or are no item of ours."""
    shown = view.find(Problem, {"kind": MISMATCH, "state": ProblemState.OPEN}, most=FOREVER)
    mismatches = [Fault(problem.subject, f"{problem.text} (problem {problem.id})") for problem in reversed(shown)]
    return [*faults(view, rules), *mismatches, *_never_finished(view, rules)]


def close_mismatch(desk: Desk, work: Work, sku: str) -> None:
    """Close the ``kit-mismatch`` of a kit where its definition, just saved, is what the newest payload says."""
    now = desk.clock.now()
    for problem in work.find(Problem, {"kind": MISMATCH, "subject": sku, "state": ProblemState.OPEN}):
        key = OrderKey(problem.account or "", problem.order_id or "")
        state = work.orders([key]).get(key)
        if state is None:
            continue
        catalogue = work.catalogue({(line.account, fold(line.code)) for line in state.lines})
        policy = desk.policies.rules_for(state.order.channel).kits
        if all(mismatch.sku != sku for mismatch in read_lines(state.lines, catalogue, policy).mismatches):
            closed = replace(problem, state=ProblemState.CLOSED, last_seen=now)
            problems.save(work, [closed], desk.subscriptions, now)


def waiting_for(desk: Desk, view: Read, skus: Collection[str]) -> set[OrderKey]:
    """Return the orders that want something of these items, or may do with them instead of their components."""
    if not skus:
        return set()
    finished = _finished(desk, view, skus)
    spared = {part.sku for parts in finished.values() for part in parts}
    return waiting_orders(view, {*skus, *spared}) | _by_lines(view, finished)


def _finished(desk: Desk, view: Read, skus: Collection[str]) -> dict[str, tuple[Part, ...]]:
    """Return which of these items may be taken instead of components that orders wait for, with those we define.

    Only an order that was left whole waits so: what is owed in components otherwise stays owed in them.
    """
    rules = desk.policies.rules.values()
    if all(each.on_shortage in (ShortagePolicy.PARTIAL, ShortagePolicy.NEGATIVE) for each in rules):
        return {}
    anyhow = any(each.kits is KitPolicy.STOCKED_FIRST for each in rules)
    catalogue = view.catalogue((), skus)
    found: dict[str, tuple[Part, ...]] = {}
    for sku in skus:
        kit = catalogue.kits.get(fold(sku))
        policy = kit.policy if kit is not None else None
        if policy is KitPolicy.STOCKED_FIRST or (policy is None and anyhow):
            found[sku] = multiply_out(sku, catalogue) if kit is not None else ()
    return found


def _by_lines(view: Read, skus: Collection[str]) -> set[OrderKey]:
    """Return the orders that wait, and have a kit line that may take one of these items finished.

    What its components are, the order says itself: as the store lists them, known to us or not, or as they were
    defined when it was booked.
    """
    if not skus:
        return set()
    owed = view.find(Shortage, {"open": Range(low=1)}, most=FOREVER)
    waits = view.find(Wait, {"kind": frozenset({WaitKind.ITEM, WaitKind.CODE})}, most=FOREVER)
    keys = {OrderKey(row.account, row.order_id) for row in owed}
    keys |= {OrderKey(wait.account, wait.order_id) for wait in waits}
    lines = [
        line
        for account, some in by_account(keys)
        for line in view.find(Line, {"account": account, "order_id": some, "kit": True}, most=FOREVER)
    ]
    catalogue = view.catalogue({(line.account, fold(line.code)) for line in lines}) if lines else Catalogue()
    wanted = {fold(sku) for sku in skus}
    return {OrderKey(line.account, line.order_id) for line in lines if _taken_finished(line, catalogue) in wanted}


def _taken_finished(line: Line, catalogue: Catalogue) -> str | None:
    """Return the folded sku of which a kit line takes finished kits, or may; None where it takes none."""
    bound = line.binding
    if bound is not None:
        return fold(bound.parts[0].sku) if bound.how is How.STOCKED_FIRST else None
    meaning = resolve(line.account, line.code, catalogue)
    return fold(meaning.sku) if isinstance(meaning, Part) else None


def _unsound(kit: Kit, catalogue: Catalogue) -> Iterator[str]:
    """Yield what keeps a definition from being used as it is meant."""
    if fold(kit.sku) not in catalogue.items:
        yield f"is defined, but no item, so no code can mean it; `stockhook items add {kit.sku}` adds it"
    for part in kit.parts:
        if fold(part.sku) not in catalogue.items:
            yield f"holds {part.sku}, which is no item of ours; define it anew, or `stockhook items add {part.sku}`"
        elif part.quantity % whole_step(part.sku, catalogue):
            yield (
                f"holds {text(part.quantity)} of {part.sku}, of which each piece has a serial number and none can be "
                "cut; define the kit anew with a whole number"
            )
    ring = _ring(kit, catalogue, (kit.sku,))
    if ring is not None:
        yield f"contains itself ({' > '.join(ring)}); define one of these kits anew"


def _ring(kit: Kit, catalogue: Catalogue, path: tuple[str, ...]) -> tuple[str, ...] | None:
    for part in kit.parts:
        if fold(part.sku) == fold(path[0]):
            return (*path, part.sku)
        inner = catalogue.kits.get(fold(part.sku))
        if inner is not None and fold(part.sku) not in map(fold, path):
            found = _ring(inner, catalogue, (*path, part.sku))
            if found is not None:
                return found
    return None


def _beside(kit: Kit, contents: tuple[Part, ...], stocked: Mapping[str, Quantity], rules: Rules) -> str | None:
    """Return what to say of a kit that lies in stock beside its components, of which only these are ever taken."""
    components = [part.sku for part in contents if stocked.get(part.sku)]
    on_hand = stocked.get(kit.sku)
    if not on_hand or not components:
        return None
    if kit.policy is not None:
        where = ["by its own policy"] if kit.policy is KitPolicy.COMPONENTS else []
    else:
        where = [f"on channel {name}" for name, each in rules.items() if each.kits is KitPolicy.COMPONENTS]
    if not where:
        return None
    listed = ", ".join(f"{text(stocked[sku])} of {sku}" for sku in components)
    defined = " ".join(f"{part.sku}={text(part.quantity)}" for part in kit.parts)
    return (
        f"has {text(on_hand)} finished in stock, and {listed} beside it; {' and '.join(where)} its components are "
        f"taken and the finished ones never. To ship these first: `stockhook items kit {kit.sku} {defined} --policy "
        "stocked-first`; to ship them alone: `--policy parent`; if they are not there, count them: `stockhook stock "
        f"count {kit.sku} 0 --location PATH`"
    )


def _never_finished(view: Read, rules: Rules) -> list[Fault]:
    """Return the store's kit codes that mean no item of ours, where a channel ships finished kits."""
    if not any(each.kits is KitPolicy.STOCKED_FIRST for each in rules.values()):
        return []
    written = {
        (str(account), fold(str(code))): str(code)
        for account, code in (total.by for total in view.totals(Line, ("account", "code"), {"kit": True}))
    }
    catalogue = view.catalogue(set(written)) if written else Catalogue()
    return [
        Fault(
            code,
            f"{code} is a kit of the store and no item of ours, so only its components are taken; if it is stocked "
            f"finished, `stockhook items add {code}` or `stockhook items alias {code} SKU`",
        )
        for (account, folded), code in sorted(written.items())
        if resolve(account, folded, catalogue) is None
    ]
