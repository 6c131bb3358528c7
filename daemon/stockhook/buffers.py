"""Memory for large bodies that is used again.

Fresh memory is cleared by the interpreter and handed out by the kernel page by page: for 900 KB that takes longer than
to receive them.
"""

from bisect import insort
from typing import Final

LARGEST: Final = 1024 * 1024
"""Bytes of the largest body that gets a buffer: the store's messages have 900 KB."""

KEPT: Final = 4
"""So many buffers are kept for the next bodies."""


class Buffers:
    """The buffers that nobody uses now. All methods are called on one thread."""

    def __init__(self) -> None:
        """Begin with none."""
        self._spare: list[bytearray] = []

    def take(self, size: int) -> memoryview:
        """Return memory of ``size`` bytes, at most ``LARGEST``, to be filled: there may be another body in it yet.

        What is not given back is garbage like anything else.
        """
        assert size <= LARGEST
        fits = self._spare and len(self._spare[-1]) >= size
        return memoryview(self._spare.pop() if fits else bytearray(size))[:size]

    def give(self, memory: memoryview) -> None:
        """Take back what ``take`` has returned and nobody reads any more; of all that is spare the largest is kept."""
        whole = memory.obj
        assert isinstance(whole, bytearray)
        insort(self._spare, whole, key=len)
        del self._spare[:-KEPT]
