"""Kit groups that go ``stocked-first``: finished kits while there are any, the rest by components (strategies.md 2.2).

A group is a kit line with its component lines, or with the parts of our own definition, and is counted in kits, in item
units of the kit's item::

    wanted   = target + ruling of the kit line
    finished = consumed of the kit's item
    behind   = kits that the components stand behind: as many as what is applied of them is enough for
    rest     = wanted - finished

Only wanted - finished - behind is new, and only for that are finished kits planned, whole ones; what they do not cover
adds to the rest. A component's target is its quantity x rest / kit quantity, rounded up to its item's step. So the
split is bound by what is booked: finished kits received later find nothing new to cover, and what is owed stays owed in
components. Under the policy ``line``, what is owed is no decision yet, for nothing of it was consumed: it is split anew
each time. ``finished`` and ``behind`` are read off the ledger and kept nowhere else, so that a reversal or a correction
cannot leave them wrong.

A kit line without a date of its own, with dated component lines, has shipped as far as the furthest of these (the
opposite, a dated kit line without any dated component line, is read by ``facts.py``). Where the
kit line itself is left out (by distribution center, or before the channel's start), its components go by themselves.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from typing import Final

from stockhook.allocation import Plan, Pool
from stockhook.claim import Claim
from stockhook.draft import Draft
from stockhook.kits import Reading, whole_step
from stockhook.model import Catalogue, How, Part, Take
from stockhook.quantity import ONE, Quantity, times
from stockhook.record import record, replace
from stockhook.target import Target


@record(frozen=True, slots=True)
class Component:
    """One component of a group: ``per`` of it, in item units, go into ``kits`` kits, in item units of the kit's item.

    ``step`` is the smallest quantity of it that can be taken.
    """

    per: Quantity
    kits: Quantity
    step: Quantity = 1

    def share(self, rest: Quantity) -> Quantity:
        """Return how much of it so many kits need, rounded up to the step."""
        return _up(-(-self.per * max(rest, 0) // self.kits), self.step) if self.kits else 0

    def behind(self, applied: Quantity) -> Quantity:
        """Return the smallest number of kits for which ``applied`` of it is no more than their share."""
        if applied <= 0 or not self.per or not self.kits:
            return 0
        return max(_up(applied, self.step) - self.step, 0) * self.kits // self.per + 1


def _up(quantity: Quantity, step: Quantity) -> Quantity:
    return -(-quantity // step) * step


@record(frozen=True, slots=True)
class Member:
    """A component where it is booked: on a line of its own, or on the kit line by definition (``aim`` is then that).

    ``beyond`` is how many kits more a person has said have left than the store says.
    """

    aim: Target
    part: Part
    component: Component
    beyond: Quantity = 0

    @property
    def by_itself(self) -> bool:
        """Tell whether the store lists it as a line."""
        return self.aim.reading.how is not How.STOCKED_FIRST

    @property
    def most(self) -> Quantity:
        """What the line itself says has shipped of it, rounded up to the step."""
        return _up(times(self.aim.units, self.part.quantity), self.component.step)

    @property
    def kits(self) -> Quantity:
        """How many kits have shipped, by what the line itself says."""
        per = self.component.per
        return times(self.aim.units, self.part.quantity) * self.component.kits // per if per else 0

    @property
    def ruling(self) -> Quantity:
        """What persons decided of this component beyond the store; that of the kit line counts kits instead."""
        return _ruling(self.aim, self.part) if self.by_itself else 0

    def due(self, rest: Quantity) -> Quantity:
        """Return how much of it shall be booked where so many kits go by components."""
        share = self.component.share(rest)
        most = self.most + self.component.share(self.beyond)
        return max((min(share, most) if self.by_itself else share) + self.ruling, 0)

    def behind(self, applied: Quantity) -> Quantity:
        """Return for how many kits what is applied of it stands."""
        return self.component.behind(applied - self.ruling) if applied else 0


def _ruling(aim: Target, part: Part) -> Quantity:
    """Return the ruling on a line in units of the part's item; see ``Target.ruled`` for what it counts."""
    several = len(aim.reading.parts or ()) > 1
    return times(aim.reading.line.ruling, part.quantity) if several else aim.reading.line.ruling


@record(frozen=True, slots=True)
class Group:
    """The kit line of a group and its components whose items are known."""

    kit: Target
    members: tuple[Member, ...]

    @property
    def part(self) -> Part:
        """The kit's item, and how many of it one store unit of the kit line is."""
        parts = self.kit.reading.parts
        assert parts, "a group without a kit"
        return parts[0]

    @property
    def wanted(self) -> Quantity:
        """How many kits shall be booked, finished or by components."""
        if self.kit.shipped:
            return max(self.kit.ruled(self.part), 0)
        furthest = max((each.kits for each in self.members if each.by_itself), default=0)
        return max(furthest + _ruling(self.kit, self.part), 0)

    def finished_back(self, back: Quantity, finished: Quantity) -> Quantity:
        """Return how many ``finished`` kits are among so many that came back: what went by components is first."""
        return min(max(back - max(self.wanted - finished, 0), 0), finished)

    def booked(self, finished: Quantity) -> dict[tuple[int, str], Quantity]:
        """Return what shall be booked by (line number, sku), where so many kits go finished."""
        shall = {(self.kit.reading.line.number, self.part.sku): finished}
        for each in self.members:
            shall[each.aim.reading.line.number, each.part.sku] = each.due(self.wanted - finished)
        return shall


@record(frozen=True, slots=True)
class Split:
    """What the lines of all stocked-first groups of an order shall have booked, in place of their own targets.

    ``wanted`` is by (line number, sku), in item units. ``plans`` holds the plan for new finished kits by number of the
    kit line; its picks are out of the pool already. ``otherwise`` is what the lines of these groups shall have booked
    without such kits. ``complete`` are the groups that need no component, ``held`` those whose kit line waits for a
    person.
    """

    wanted: Mapping[tuple[int, str], Quantity] = field(default_factory=dict)
    plans: Mapping[int, Plan] = field(default_factory=dict)
    otherwise: Mapping[tuple[int, str], Quantity] = field(default_factory=dict)
    complete: frozenset[int] = frozenset()
    held: frozenset[int] = frozenset()

    def claim(self, aim: Target, part: Part, applied: Quantity, owed: Quantity) -> Claim:
        """Return what a line still wants of a part, of which so much is booked for good, and so much owed."""
        key = (aim.reading.line.number, part.sku)
        wanted, otherwise = self.wanted.get(key), self.otherwise.get(key)
        if wanted is None:
            return Claim(aim, part.sku, aim.ruled(part) - applied, owed)
        plan = self.plans.get(key[0]) if part is (aim.reading.parts or (None,))[0] else None
        without = None if otherwise is None else otherwise - applied
        return Claim(aim, part.sku, wanted - applied, owed, plan, without)


NONE: Final = Split()
"""What is split in an order without such groups."""

Planner = Callable[[Claim], Plan]


def split(
    aims: Sequence[Target],
    sound: Sequence[Target],
    draft: Draft,
    catalogue: Catalogue,
    pool: Pool,
    plan: Planner,
    *,
    owed_counts: bool,
) -> Split:
    """Plan the finished kits of an order's groups, and return what is left for their components.

    ``sound`` are those of ``aims`` that do not wait for a person. ``owed_counts``: what is owed of a component has been
    decided (strategies.md section 5: not so under ``line``). Raises BadPlan as ``plan`` does.
    """
    heads = [aim for aim in aims if aim.reading.how is How.STOCKED_FIRST]
    if not heads:
        return NONE
    free = {aim.reading.line.number for aim in sound}
    wanted: dict[tuple[int, str], Quantity] = {}
    plans: dict[int, Plan] = {}
    otherwise: dict[tuple[int, str], Quantity] = {}
    complete: set[int] = set()
    for kit in heads:
        number = kit.reading.line.number
        if number not in free or kit.reason is not None:
            continue
        group = gathered(kit, sound, catalogue)
        finished = draft.applied(kit.reading.line, group.part.sku, owed=False)
        behind = _behind(group, draft, owed_counts=owed_counts)
        more = _plan_whole(Claim(kit, group.part.sku, group.wanted - finished - behind, 0), pool, plan)
        finished = min(finished, group.wanted)
        if more is not None:
            plans[number] = more
            otherwise |= group.booked(finished)
            finished += more.taken
        wanted |= group.booked(finished)
        if finished == group.wanted:
            complete.add(number)
    held = frozenset(kit.reading.line.number for kit in heads) - free
    return Split(wanted, plans, otherwise, frozenset(complete), held)


def gathered(kit: Target, aims: Iterable[Target], catalogue: Catalogue) -> Group:
    """Return the group of a kit line that goes ``stocked-first``."""
    part, *own = kit.reading.parts or ()
    members = [
        Member(kit, each, Component(each.quantity, part.quantity, whole_step(each.sku, catalogue))) for each in own
    ]
    line = kit.reading.line
    kits = times(line.quantity, part.quantity)
    beyond = max(_ruling(kit, part), 0)
    for aim in aims:
        if aim is kit or aim.reading.group != line.number:
            continue
        for each in aim.reading.parts or ():
            per = times(aim.reading.line.quantity, each.quantity)
            members.append(Member(aim, each, Component(per, kits, whole_step(each.sku, catalogue)), beyond))
    return Group(kit, tuple(members))


def _behind(group: Group, draft: Draft, *, owed_counts: bool) -> Quantity:
    """Return how many kits the components stand behind: the one that reaches furthest counts."""
    reached = 0
    for each in group.members:
        applied = draft.applied(each.aim.reading.line, each.part.sku, owed=owed_counts)
        reached = max(reached, each.behind(applied))
    return reached


def _plan_whole(claim: Claim, pool: Pool, plan: Planner) -> Plan | None:
    """Return a plan for at most so many kits, all of them whole; None where there is none to take."""
    want = claim.want // ONE * ONE
    while want > 0:
        mark = pool.mark()
        found = plan(replace(claim, want=want))
        if found.taken % ONE == 0:
            return found if found.taken else None
        pool.rollback(mark)
        want = found.taken // ONE * ONE
    return None


def counted_twice(readings: Sequence[Reading], takes: Sequence[Take], catalogue: Catalogue) -> dict[int, Quantity]:
    """Return how many kits more than a group ever had are consumed, finished and by components together, by kit line.

    Whatever the store says now has shipped, a kit line's whole quantity is the most that its group can have used up.
    """
    found: dict[int, Quantity] = {}
    aims = [Target(each, each.line.quantity, shipped=True, inferred=False, ship_date=None) for each in readings]
    consumed: defaultdict[tuple[int, str], Quantity] = defaultdict(int)
    for take in takes:
        if not take.suspense:
            consumed[take.line, take.sku] += take.remaining
    for kit in aims:
        if kit.reading.how is not How.STOCKED_FIRST:
            continue
        group = gathered(kit, aims, catalogue)
        finished = consumed[kit.reading.line.number, group.part.sku]
        behind = 0
        for each in group.members:
            behind = max(behind, each.behind(consumed[each.aim.reading.line.number, each.part.sku]))
        if finished and behind and finished + behind > group.wanted:
            found[kit.reading.line.number] = finished + behind - group.wanted
    return found
