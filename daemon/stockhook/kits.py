"""Which lines of an order consume what: codes to items, kits to their parts (strategies.md section 2).

A kit line and its component lines are one group, which consumes in one of these ways, bound at its first booking:

- ``kit`` and ``component``: the component lines consume, the kit line nothing.
- ``parent`` and ``covered``: the kit line consumes the kit as an item, its component lines nothing.
- ``definition``: a kit line without component lines consumes the parts of our own definition. An inner kit is
  multiplied out as well, unless its own policy is ``parent``: that is taken as it is. Component lines that come later
  consume nothing.
- ``stocked-first``: the kit line consumes finished kits, as its first part; the rest goes by the component lines, or by
  the parts of our own definition, which then follow on the kit line. How many of which is for ``groups.py``.
"""

from collections.abc import Sequence

from stockhook.model import Alias, Binding, Catalogue, How, KitPolicy, Line, Part, fold
from stockhook.quantity import ONE, Quantity, text, times
from stockhook.record import record


@record(frozen=True, slots=True)
class Reading:
    """What one line consumes, bound or as it would be bound now.

    ``parts`` is what one store unit of the line consumes: None while the code is unknown, empty for a line that
    consumes nothing. ``group`` is the number of the kit line it belongs to (its own for others), ``ignored``: the
    code is to be ignored.
    """

    line: Line
    how: How
    parts: tuple[Part, ...] | None
    group: int
    ignored: bool = False

    @property
    def consumes(self) -> bool:
        """Tell whether the line moves stock, or would once its code is known."""
        return self.parts is None or bool(self.parts)

    @property
    def binding(self) -> Binding:
        """What the line is bound to with its first booking."""
        return Binding(self.line.code, self.how, self.parts or ())


@record(frozen=True, slots=True)
class Mismatch:
    """A kit whose component lines are not what our definition says, or that has neither."""

    sku: str
    text: str


@record(frozen=True, slots=True)
class Readings:
    """All lines of an order, read together; ``agreeing`` are the kits whose lines were as defined."""

    lines: tuple[Reading, ...]
    mismatches: tuple[Mismatch, ...] = ()
    agreeing: tuple[str, ...] = ()


def resolve(account: str, code: str, catalogue: Catalogue) -> Alias | Part | None:
    """Return what a code means now: an Alias that ignores it, so much of an item, or None (nothing found).

    The alias table goes first, the account's own before the global one, then the item master.
    """
    folded = fold(code)
    alias = catalogue.aliases.get((account, folded)) or catalogue.aliases.get(("", folded))
    if alias is not None:
        return alias if alias.sku is None else Part(alias.sku, alias.factor)
    item = catalogue.items.get(folded)
    return None if item is None else Part(item.sku, ONE)


def means_other(line: Line, catalogue: Catalogue) -> bool:
    """Tell whether the code of a line that consumes means another item than the line is booked as."""
    bound = line.binding
    if bound is None or not bound.parts or fold(line.code) == fold(bound.code):
        return False
    meaning = resolve(line.account, line.code, catalogue)
    if bound.how in (How.DEFINITION, How.STOCKED_FIRST):
        return meaning != resolve(line.account, bound.code, catalogue)
    return not isinstance(meaning, Part) or bound.parts != (meaning,)


def read_lines(lines: Sequence[Line], catalogue: Catalogue, policy: KitPolicy) -> Readings:
    """Return what each line consumes; ``policy`` is the channel's for kits that do not choose for themselves."""
    if not any(line.kit or line.component for line in lines) and not catalogue.kits:
        return Readings(tuple(_plain(line, catalogue) for line in lines))
    groups, opened = _groups(lines)
    readings: dict[int, Reading] = {}
    mismatches: list[Mismatch] = []
    agreeing: list[str] = []
    for line in lines:
        components = groups.get(line.number)
        if components is not None or (not line.component and _defined(line, catalogue)):
            mismatch, sku = _read_group(line, components or [], opened, catalogue, policy, readings)
            if mismatch is not None:
                mismatches.append(mismatch)
            elif sku is not None:
                agreeing.append(sku)
    for line in lines:
        if line.number not in readings:
            readings[line.number] = _plain(line, catalogue)
    return Readings(tuple(readings[line.number] for line in lines), tuple(mismatches), tuple(agreeing))


def multiply_out(sku: str, catalogue: Catalogue) -> tuple[Part, ...]:
    """Return what one kit consumes by our own definition, nested kits multiplied out depth first.

    An inner kit with the policy ``parent`` of its own is taken as it is; one that would contain itself is not opened.
    """
    totals: dict[str, int] = {}
    _add_parts(sku, ONE, catalogue, totals, ())
    return tuple(Part(part, quantity) for part, quantity in totals.items())


def _add_parts(sku: str, quantity: int, catalogue: Catalogue, totals: dict[str, int], around: tuple[str, ...]) -> None:
    kit = catalogue.kits.get(fold(sku))
    if kit is None or fold(sku) in around or (around and kit.policy is KitPolicy.PARENT):
        totals[sku] = totals.get(sku, 0) + quantity
        return
    for part in kit.parts:
        _add_parts(part.sku, times(part.quantity, quantity), catalogue, totals, (*around, fold(sku)))


def whole_step(sku: str, catalogue: Catalogue) -> Quantity:
    """Return the smallest quantity of an item that can be taken: a whole piece where each has a serial number."""
    item = catalogue.items.get(fold(sku))
    return ONE if item is not None and item.serial else 1


def _groups(lines: Sequence[Line]) -> tuple[dict[int, list[Line]], set[int]]:
    """Return the component lines of each kit line by its number: those that point to it, else those right behind it.

    An inner kit line, itself a component, is listed in the group of the outermost kit line, and its component lines
    with it; inner ones that have such lines are returned as well: these lines stand for them.
    """
    by_index = {line.item_index: line for line in lines if line.kit}
    groups: dict[int, list[Line]] = {line.number: [] for line in lines if line.kit}
    around: dict[int, int] = {}
    nearest: Line | None = None
    for line in sorted(lines, key=lambda line: line.item_index):
        if line.component:
            parent = by_index.get(line.parent_index) if line.parent_index is not None else nearest
            if parent is not None and parent is not line:
                groups[parent.number].append(line)
                if line.kit:
                    around[line.number] = parent.number
        if line.kit:
            nearest = line
    opened = {number for number in around if groups[number]}
    for number in list(around):
        seen = [number]
        while seen[-1] in around and around[seen[-1]] not in seen:
            seen.append(around[seen[-1]])
        if seen[-1] not in around:
            groups[seen[-1]] += groups.pop(number)
        else:  # around each other, which no kit can be: each goes by itself
            outer = around[number]
            groups[outer] = [line for line in groups[outer] if line.number != number]
            opened.discard(number)
    return groups, opened


def _defined(line: Line, catalogue: Catalogue) -> bool:
    meaning = resolve(line.account, line.code, catalogue)
    return isinstance(meaning, Part) and fold(meaning.sku) in catalogue.kits


def _plain(line: Line, catalogue: Catalogue, how: How = How.PLAIN) -> Reading:
    if line.binding is not None:
        return Reading(line, line.binding.how, line.binding.parts, line.number)
    match resolve(line.account, line.code, catalogue):
        case None:
            return Reading(line, how, None, line.number)
        case Part() as part:
            return Reading(line, how, (part,), line.number)
        case Alias():
            return Reading(line, how, (), line.number, ignored=True)


def _read_group(
    kit: Line,
    components: list[Line],
    opened: set[int],
    catalogue: Catalogue,
    policy: KitPolicy,
    readings: dict[int, Reading],
) -> tuple[Mismatch | None, str | None]:
    """Read a kit line and its component lines; return a mismatch, or the kit's sku where lines and definition agree."""
    meaning = resolve(kit.account, kit.code, catalogue)
    part = meaning if isinstance(meaning, Part) else None
    sku = part.sku if part else kit.code
    head = _read_kit_line(kit, components, part, catalogue, policy)
    readings[kit.number] = head
    by_lines = head.how is How.KIT or (head.how is How.STOCKED_FIRST and len(head.parts or ()) == 1)
    for line in components:
        if line.binding is None and not by_lines:
            readings[line.number] = Reading(line, How.COVERED, (), kit.number)
        elif line.binding is None and line.number in opened:
            readings[line.number] = Reading(line, How.KIT, (), kit.number)
        else:
            reading = _component(line, catalogue)
            readings[line.number] = Reading(line, reading.how, reading.parts, kit.number, reading.ignored)
    if not components:
        if head.how is How.PLAIN and kit.kit and head.parts and not _defined(kit, catalogue):
            return Mismatch(sku, f"kit {kit.code} came without component lines and has no definition: "
                                 "it was taken for a plain item"), None  # fmt: skip
        return None, None
    if not by_lines and head.how is not How.PARENT and head.parts:
        return Mismatch(sku, f"component lines of kit {kit.code} came after it had been booked without them: "
                             "they are noted and book nothing more"), None  # fmt: skip
    shown = [_component(line, catalogue) for line in components if line.number not in opened]
    return _compare(kit, part, shown, catalogue)


def _read_kit_line(
    kit: Line, components: list[Line], part: Part | None, catalogue: Catalogue, policy: KitPolicy
) -> Reading:
    if kit.binding is not None:
        return Reading(kit, kit.binding.how, kit.binding.parts, kit.number)
    definition = catalogue.kits.get(fold(part.sku)) if part else None
    if definition is not None and definition.policy is not None:
        policy = definition.policy
    bound_components = any(line.binding is not None and line.binding.parts for line in components)
    by_components = policy is KitPolicy.COMPONENTS or (policy is KitPolicy.STOCKED_FIRST and part is None)
    if bound_components or (components and by_components):
        return Reading(kit, How.KIT, (), kit.number)
    if components and policy is KitPolicy.STOCKED_FIRST and part is not None:
        return Reading(kit, How.STOCKED_FIRST, (part,), kit.number)
    plain = _plain(kit, catalogue)
    if policy is KitPolicy.PARENT or part is None or definition is None:
        how = How.PARENT if policy is KitPolicy.PARENT else How.PLAIN
        return Reading(kit, how, plain.parts, kit.number, plain.ignored)
    parts = _own_parts(part, catalogue)
    if policy is KitPolicy.STOCKED_FIRST:
        return Reading(kit, How.STOCKED_FIRST, (part, *parts), kit.number)
    return Reading(kit, How.DEFINITION, parts, kit.number)


def _component(line: Line, catalogue: Catalogue) -> Reading:
    """Read a component line that consumes; one that is a kit itself is multiplied out like an inner kit."""
    reading = _plain(line, catalogue, How.COMPONENT)
    if line.binding is not None or not reading.parts:
        return reading
    (part,) = reading.parts
    definition = catalogue.kits.get(fold(part.sku))
    if definition is None or definition.policy is KitPolicy.PARENT:
        return reading
    return Reading(line, How.COMPONENT, _own_parts(part, catalogue), line.number)


def _own_parts(part: Part, catalogue: Catalogue) -> tuple[Part, ...]:
    """Return what so much of a kit consumes by our own definition."""
    return tuple(Part(inner.sku, times(inner.quantity, part.quantity)) for inner in multiply_out(part.sku, catalogue))


def _compare(
    kit: Line, part: Part | None, components: list[Reading], catalogue: Catalogue
) -> tuple[Mismatch | None, str | None]:
    """Compare component lines with our definition times the kit quantity; the payload wins, a person is told."""
    if part is None or fold(part.sku) not in catalogue.kits or any(line.parts is None for line in components):
        return None, None
    kits = times(kit.quantity, part.quantity)
    wanted = {inner.sku: times(inner.quantity, kits) for inner in multiply_out(part.sku, catalogue)}
    shown: dict[str, int] = {}
    for reading in components:
        for inner in reading.parts or ():
            shown[inner.sku] = shown.get(inner.sku, 0) + times(reading.line.quantity, inner.quantity)
    if {fold(sku): much for sku, much in shown.items()} == {fold(sku): much for sku, much in wanted.items()}:
        return None, part.sku
    words = f"{_contents(shown, kits)}, and its definition says {_contents(wanted, kits)}; the order's were booked"
    return Mismatch(part.sku, f"kit {kit.code} came with {words}"), None


def _contents(amounts: dict[str, Quantity], kits: Quantity) -> str:
    """Return what is in one kit, in words; in all of them where it does not divide, so that words do not vary."""
    even = kits > 0 and all(amount * ONE % kits == 0 for amount in amounts.values())
    each = {sku: amount * ONE // kits if even else amount for sku, amount in sorted(amounts.items())}
    listed = ", ".join(f"{text(amount)} x {sku}" for sku, amount in each.items()) or "nothing"
    return listed if even else f"{listed} for {text(kits)}"
