"""Undoing gzip with a bound, so that a small body cannot fill the memory (reliability.md (a) 31 and 32)."""

import zlib
from typing import Final

from stockhook.plugin import Unreadable

MAGIC: Final = b"\x1f\x8b"
MOST: Final = 64 * 1024 * 1024
"""So many bytes a whole body may inflate to, all its layers together."""

_GZIP: Final = 31  # zlib's wbits for a gzip header and trailer
_CHUNK: Final = 64 * 1024
_MEMBERS: Final = 1000


def inflate(data: bytes, room: int = MOST) -> bytes:
    """Return what gzip ``data`` of one or more members holds; never makes more than ``room`` bytes of it.

    Raises Unreadable when it would be more, and for data that is damaged or breaks off.
    """
    parts: list[bytes] = []
    position = 0
    for _ in range(_MEMBERS):
        position, room = _member(data, position, room, parts)
        if not data.startswith(MAGIC, position):
            break
    if data[position:].strip(b"\0"):  # zeros pad a member to a block, anything else is not ours to guess at
        raise Unreadable("gzip: after the compressed data comes something else")
    return b"".join(parts)


def _member(data: bytes, position: int, room: int, parts: list[bytes]) -> tuple[int, int]:
    """Inflate the member at ``position`` into ``parts``; returns where it ends and the room that is left."""
    stream = zlib.decompressobj(_GZIP)
    while not stream.eof:
        chunk = data[position : position + _CHUNK]
        if not chunk:
            raise Unreadable("gzip: the compressed data breaks off before its end")
        try:
            part = stream.decompress(chunk, room + 1)
        except zlib.error:
            raise Unreadable("gzip: the compressed data is damaged") from None
        if len(part) > room:
            raise Unreadable(f"gzip: inflates to more than {MOST // 1024 // 1024} MiB, which no webhook does")
        room -= len(part)
        parts.append(part)
        position += len(chunk) - len(stream.unused_data)
    return position, room
