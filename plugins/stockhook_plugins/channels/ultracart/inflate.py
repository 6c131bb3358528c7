"""Undoing gzip with a bound, so that a small body cannot fill the memory (reliability.md (a) 31 and 32)."""

import zlib
from collections.abc import Generator, Iterator
from typing import Final

from stockhook.plugin import Unreadable

MAGIC: Final = b"\x1f\x8b"
MOST: Final = 64 * 1024 * 1024
"""So many bytes a whole body may inflate to, all its layers together."""

_GZIP: Final = 31  # zlib's wbits for a gzip header and trailer
_CHUNK: Final = 64 * 1024
_PIECE: Final = 1024 * 1024
_MEMBERS: Final = 1000


def inflate(data: bytes, room: int = MOST) -> bytes:
    """Return what gzip ``data`` of one or more members holds; never makes more than ``room`` bytes of it.

    Raises Unreadable when it would be more, and for data that is damaged or breaks off.
    """
    size = 0
    for piece in _pieces(data):  # counted before any of it is kept: a bomb costs a moment, but no memory
        size += len(piece)
        if size > room:
            raise Unreadable(f"gzip: inflates to more than {MOST // 1024 // 1024} MiB, which no webhook does")
    return b"".join(_pieces(data))


def _pieces(data: bytes) -> Iterator[bytes]:
    position = 0
    for _ in range(_MEMBERS):
        position = yield from _member(data, position)
        if not data.startswith(MAGIC, position):
            break
    if data[position:].strip(b"\0"):  # zeros pad a member to a block, anything else is not ours to guess at
        raise Unreadable("gzip: after the compressed data comes something else")


def _member(data: bytes, position: int) -> Generator[bytes, None, int]:
    """Yield what the member at ``position`` holds, and return where it ends."""
    stream = zlib.decompressobj(_GZIP)
    chunk = b""
    while not stream.eof:
        if not chunk:
            chunk = data[position : position + _CHUNK]
            position += len(chunk)
        if not chunk:
            raise Unreadable("gzip: the compressed data breaks off before its end")
        try:
            yield stream.decompress(chunk, _PIECE)
        except zlib.error:
            raise Unreadable("gzip: the compressed data is damaged") from None
        chunk = stream.unconsumed_tail
    return position - len(stream.unused_data)
