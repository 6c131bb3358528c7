"""Which lines of an order consume what: codes to items, kits to their parts (strategies.md section 2)."""

from collections.abc import Sequence

from stockhook.model import Alias, Binding, Catalogue, How, KitPolicy, Line, Part, fold
from stockhook.quantity import ONE, times
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


def read_lines(lines: Sequence[Line], catalogue: Catalogue, policy: KitPolicy) -> Readings:
    """Return what each line consumes; ``policy`` is the channel's for kits that do not choose for themselves."""
    if not any(line.kit or line.component for line in lines) and not catalogue.kits:
        return Readings(tuple(_plain(line, catalogue) for line in lines))
    groups = _groups(lines)
    readings: dict[int, Reading] = {}
    mismatches: list[Mismatch] = []
    agreeing: list[str] = []
    for line in lines:
        components = groups.get(line.number)
        if components is not None or (not line.component and _defined(line, catalogue)):
            mismatch, sku = _read_group(line, components or [], catalogue, policy, readings)
            if mismatch is not None:
                mismatches.append(mismatch)
            elif sku is not None:
                agreeing.append(sku)
    for line in lines:
        if line.number not in readings:
            readings[line.number] = _plain(line, catalogue)
    return Readings(tuple(readings[line.number] for line in lines), tuple(mismatches), tuple(agreeing))


def multiply_out(sku: str, catalogue: Catalogue) -> tuple[Part, ...]:
    """Return what one kit consumes by our own definition, nested kits multiplied out depth first."""
    totals: dict[str, int] = {}
    _add_parts(sku, ONE, catalogue, totals)
    return tuple(Part(part, quantity) for part, quantity in totals.items())


def _add_parts(sku: str, quantity: int, catalogue: Catalogue, totals: dict[str, int]) -> None:
    kit = catalogue.kits.get(fold(sku))
    if kit is None:
        totals[sku] = totals.get(sku, 0) + quantity
        return
    for part in kit.parts:
        _add_parts(part.sku, times(part.quantity, quantity), catalogue, totals)


def _groups(lines: Sequence[Line]) -> dict[int, list[Line]]:
    """Return the component lines of each kit line by its number: those that point to it, else those right behind it."""
    by_index = {line.item_index: line for line in lines if line.kit}
    groups: dict[int, list[Line]] = {line.number: [] for line in lines if line.kit}
    nearest: Line | None = None
    for line in sorted(lines, key=lambda line: line.item_index):
        if line.kit:
            nearest = line
        elif line.component:
            parent = by_index.get(line.parent_index) if line.parent_index is not None else nearest
            if parent is not None:
                groups[parent.number].append(line)
    return groups


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
    kit: Line, components: list[Line], catalogue: Catalogue, policy: KitPolicy, readings: dict[int, Reading]
) -> tuple[Mismatch | None, str | None]:
    """Read a kit line and its component lines; return a mismatch, or the kit's sku where lines and definition agree."""
    meaning = resolve(kit.account, kit.code, catalogue)
    part = meaning if isinstance(meaning, Part) else None
    sku = part.sku if part else kit.code
    head = _read_kit_line(kit, components, part, catalogue, policy)
    readings[kit.number] = head
    covered = head.how is not How.KIT
    for line in components:
        if covered and line.binding is None:
            readings[line.number] = Reading(line, How.COVERED, (), kit.number)
        else:
            reading = _plain(line, catalogue, How.COMPONENT)
            readings[line.number] = Reading(line, reading.how, reading.parts, kit.number, reading.ignored)
    if not components:
        if head.how is How.PLAIN and kit.kit and head.parts:
            return Mismatch(sku, f"kit {kit.code} came without component lines and has no definition: "
                                 "it was taken for a plain item"), None  # fmt: skip
        return None, None
    if head.how in (How.DEFINITION, How.PLAIN) and head.parts:
        return Mismatch(sku, f"component lines of kit {kit.code} came after it had been booked without them: "
                             "they are noted and book nothing more"), None  # fmt: skip
    return _compare(kit, part, [readings[line.number] for line in components], catalogue)


def _read_kit_line(
    kit: Line, components: list[Line], part: Part | None, catalogue: Catalogue, policy: KitPolicy
) -> Reading:
    if kit.binding is not None:
        return Reading(kit, kit.binding.how, kit.binding.parts, kit.number)
    definition = catalogue.kits.get(fold(part.sku)) if part else None
    if definition is not None and definition.policy is not None:
        policy = definition.policy
    bound_components = any(line.binding is not None and line.binding.parts for line in components)
    if bound_components or (components and policy is KitPolicy.COMPONENTS):
        return Reading(kit, How.KIT, (), kit.number)
    plain = _plain(kit, catalogue)
    if policy is KitPolicy.PARENT or part is None or definition is None:
        how = How.PARENT if policy is KitPolicy.PARENT else How.PLAIN
        return Reading(kit, how, plain.parts, kit.number, plain.ignored)
    parts = tuple(Part(inner.sku, times(inner.quantity, part.quantity)) for inner in multiply_out(part.sku, catalogue))
    return Reading(kit, How.DEFINITION, parts, kit.number)


def _compare(
    kit: Line, part: Part | None, components: list[Reading], catalogue: Catalogue
) -> tuple[Mismatch | None, str | None]:
    """Compare component lines with our definition times the kit quantity; the payload wins, a person is told."""
    if part is None or fold(part.sku) not in catalogue.kits or any(line.parts is None for line in components):
        return None, None
    kits = times(kit.quantity, part.quantity)
    wanted = {fold(inner.sku): times(inner.quantity, kits) for inner in multiply_out(part.sku, catalogue)}
    shown: dict[str, int] = {}
    for reading in components:
        for inner in reading.parts or ():
            shown[fold(inner.sku)] = shown.get(fold(inner.sku), 0) + times(reading.line.quantity, inner.quantity)
    if shown == wanted:
        return None, part.sku
    return Mismatch(part.sku, f"the component lines of kit {kit.code} are not what its definition says; "
                              "the store's lines were booked"), None  # fmt: skip
