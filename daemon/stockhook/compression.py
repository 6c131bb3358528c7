"""How large bodies are compressed: in zlib's format, by whatever does so fastest here."""

from typing import Final

try:
    from isal.isal_zlib import compress
except ImportError:  # pyproject.toml leaves isal out where it is not made for the machine
    from zlib import compress

_LEVEL: Final = 1
"""A payload is made as small at 1 as at 2 or 3, by either; zlib takes four to seven times as long for it as isal."""


def compressed(body: bytes | memoryview) -> bytes:
    """Return a body in zlib's format, which ``zlib.decompress`` reads. It lets go of the interpreter meanwhile."""
    return compress(body, _LEVEL)
