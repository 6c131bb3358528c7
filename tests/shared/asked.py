"""Counts what a store in memory is asked for: what grows with the number of records must not ask for each of them."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from stockhook_plugins.stores.layers import Layer


@contextmanager
def finds() -> Iterator[Counter[str]]:
    """Count the calls of ``find`` by the record that is asked for."""
    asked: Counter[str] = Counter()
    find = Layer.find

    def counted(self: Layer, record: type[Any], *args: Any, **more: Any) -> list[Any]:
        asked[record.__name__] += 1
        return find(self, record, *args, **more)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Layer, "find", counted)
        yield asked
