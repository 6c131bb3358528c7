"""The decorator of records: a dataclass that is frozen for the type checker, and built as fast as one that is not.

The guard of ``dataclass(frozen=True)`` costs every constructor a call per field, four times what the rest of it takes;
working one event makes more than a hundred records, and spent a quarter of its time there. What assigns to a record is
found by mypy. What plugins are given to plan with (``model.planning``) is frozen at run time as well.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as record
    from dataclasses import replace
else:
    import dataclasses
    from collections.abc import Callable
    from functools import cache, partial
    from operator import attrgetter
    from typing import Any

    def record(*, frozen: bool, slots: bool) -> Callable[[type], type]:
        """Make a record; compared by its fields, and hashed by them if ``frozen``."""
        return partial(dataclasses.dataclass, slots=slots, unsafe_hash=frozen)

    @cache
    def _fields(kind: type) -> tuple[dict[str, int], Callable[[Any], tuple[Any, ...]]]:
        names = [field.name for field in dataclasses.fields(kind)]
        values_of = attrgetter(*names) if len(names) > 1 else lambda kept: (getattr(kept, names[0]),)
        return {name: place for place, name in enumerate(names)}, values_of

    def replace(kept: Any, /, **changes: Any) -> Any:
        """Return a record with some fields changed, as ``dataclasses.replace`` does in three times the time."""
        places, values_of = _fields(type(kept))
        values = list(values_of(kept))
        for name, value in changes.items():
            values[places[name]] = value
        return type(kept)(*values)
