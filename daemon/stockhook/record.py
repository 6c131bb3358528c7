"""The decorator of records: frozen dataclasses to whoever reads them and to the type checker, made by msgspec in C.

Working one event makes more than a hundred records, and spent a quarter of its time in constructors such as
``dataclass(frozen=True, slots=True)`` writes. A struct of msgspec is frozen and has slots as well, is made in a quarter
of the time, and is copied with a change in a sixth. ``dataclasses.fields`` and ``dataclasses.replace`` know records.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as record
    from dataclasses import replace
else:
    import dataclasses
    from collections.abc import Callable

    from msgspec import Struct, field, structs

    replace = structs.replace

    def record(*, frozen: bool, slots: bool) -> Callable[[type], type]:
        """Make a record: it is compared by its fields, hashed by them if ``frozen``, and has room for nothing else."""
        assert slots, "a struct always has slots"

        def made(kind: type) -> type:
            body = {name: value for name, value in vars(kind).items() if name not in {"__dict__", "__weakref__"}}
            described = dataclasses.dataclass(init=False, repr=False, eq=False)(kind)
            for each in dataclasses.fields(described):
                if not (each.init and each.repr and each.compare) or each.kw_only:
                    raise TypeError(f"{each.name} of {kind.__name__} has an option that a struct does not know")
                if each.default_factory is not dataclasses.MISSING:
                    body[each.name] = field(default_factory=each.default_factory)
            body["__dataclass_fields__"] = described.__dataclass_fields__
            return type(Struct)(kind.__name__, (Struct,), body, frozen=frozen)

        return made
