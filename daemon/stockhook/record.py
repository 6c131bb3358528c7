"""The decorator of records: a dataclass that is frozen for the type checker, and built as fast as one that is not.

The guard of ``dataclass(frozen=True)`` costs every constructor a call per field, four times what the rest of it takes;
working one event makes more than a hundred records, and spent a quarter of its time there. What assigns to a record is
found by mypy. What plugins are given to plan with (``model.planning``) is frozen at run time as well.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as record
else:
    import dataclasses
    from collections.abc import Callable
    from functools import partial

    def record(*, frozen: bool, slots: bool) -> Callable[[type], type]:
        """Make a record; compared by its fields, and hashed by them if ``frozen``."""
        return partial(dataclasses.dataclass, slots=slots, unsafe_hash=frozen)


__all__ = ["record"]
