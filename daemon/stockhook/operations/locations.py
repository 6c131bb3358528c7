"""What a person does to the tree of locations."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from stockhook.errors import NotFound, Refused
from stockhook.model import Location, Unit
from stockhook.operations.desk import Desk
from stockhook.operations.due import every, make_due
from stockhook.operations.kits import waiting_for
from stockhook.operations.suggestions import did_you_mean, near
from stockhook.operations.words import checked
from stockhook.store import FOREVER, Range, Read

MOST_SEQUENCE: Final = 10**9


@dataclass(frozen=True, slots=True)
class Changed:
    """The location as it is now, the parents that were made with it, and how many orders are worked again."""

    location: Location
    parents: tuple[Location, ...] = ()
    due: int = 0


def list_locations(desk: Desk, most: int = 1000) -> list[Location]:
    """Return locations by descending path."""
    with desk.store.read() as view:
        return view.find(Location, most=most)


def add(desk: Desk, path: str, *, pickable: bool = True, pick_sequence: int | None = None) -> Changed:
    """Add a location, and those above it that are missing; raises Refused for a bad path or one that exists."""
    location = Location(checked_path(path), pickable, _checked(pick_sequence))
    with desk.changing("locations add", location.path) as work:
        known = {place.path: place for place in work.find(Location, most=FOREVER)}
        twin = next((other for other in known if other.casefold() == location.path.casefold()), None)
        if twin is not None:
            raise Refused(f"the location {twin} exists already; `stockhook locations set` changes it")
        above = tuple(Location(parent) for parent in parents(location.path) if parent not in known)
        work.save([*above, location])
    return Changed(location, above)


def change(desk: Desk, path: str, *, pickable: bool | None = None, pick_sequence: int | None = None) -> Changed:
    """Change what is given of a location; goods in one that becomes pickable settle what is owed of them.

    Raises NotFound or Refused, with nothing changed.
    """
    changes: dict[str, Any] = {}
    details: dict[str, str] = {}
    if pickable is not None:
        changes["pickable"], details["pickable"] = pickable, "yes" if pickable else "no"
    if pick_sequence is not None:
        changes["pick_sequence"], details["pick_sequence"] = _checked(pick_sequence), str(pick_sequence)
    if not changes:
        raise Refused("nothing to change; say whether it is picked from (--pickable), or its turn (--pick-sequence)")
    with desk.store.read() as view:
        known = known_location(view, path)
        if replace(known, **changes) == known:
            return Changed(known)
    with desk.changing("locations set", path, **details) as work:
        before = known_location(work, path)
        after = replace(before, **changes)
        work.save([after])
        due = 0
        if after.pickable and not before.pickable:
            lying = every(work, Unit, {"location": after.path, "quantity": Range(low=1)})
            due = make_due(desk, work, waiting_for(desk, work, {unit.sku for unit in lying}))
    return Changed(after, due=due)


def known_location(view: Read, path: str) -> Location:
    """Return the location of that path; raises NotFound with near misses."""
    found = view.find(Location, {"path": path}, most=1)
    if not found:
        raise NotFound(unknown_location(path, (place.path for place in view.find(Location, most=FOREVER))))
    return found[0]


def unknown_location(path: str, known: Iterable[str]) -> str:
    """Return the sentence about a path that is no location: what may be meant, or how it is added."""
    meant = did_you_mean(near(path, list(known))) or f"; add it with: stockhook locations add {path}"
    return f"there is no location {path!r}{meant}"


def checked_path(path: str) -> str:
    """Return the path of a location; raises Refused for one with an empty or untrimmed segment."""
    written = path.strip()
    if not written or any(not part or part != part.strip() for part in written.split("/")):
        raise Refused(f"{path!r} is not the path of a location; write it like MAIN/FG/A-01, without a leading slash")
    return checked("path", written)


def _checked(pick_sequence: int | None) -> int | None:
    if pick_sequence is not None and abs(pick_sequence) > MOST_SEQUENCE:
        raise Refused(f"the turn {pick_sequence} is too far from 0; give -{MOST_SEQUENCE} to {MOST_SEQUENCE}")
    return pick_sequence


def parents(path: str) -> list[str]:
    """Return the paths above a location, topmost first."""
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]
