"""Passwords as they are kept: an argon2id hash in its usual spelling, which says how it was made."""

import re
import unicodedata
from typing import Final

from stockhook.errors import Refused

LEAST: Final = 8
"""Characters of a password that is taken for a new one."""

LONGEST: Final = 1024
"""Bytes of a password; more is no password, and would only cost time."""

_WRITTEN: Final = re.compile(r"\$argon2id\$v=19\$m=\d{1,8},t=\d{1,4},p=\d{1,3}\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{22,}")


def is_hash(text: str) -> bool:
    """Tell whether a text is written like a hash that ``hash_password`` makes."""
    return _WRITTEN.fullmatch(text) is not None


def hash_password(password: str) -> str:
    """Return the argon2id hash of a new password; raises Refused for one that no form could send, or too short."""
    from argon2 import PasswordHasher

    if len(password) < LEAST:
        raise Refused(f"the password has {len(password)} characters; expected at least {LEAST}")
    if len(_spelled(password)) > LONGEST:
        raise Refused(f"the password is too long; expected at most {LONGEST} bytes")
    if any(unicodedata.category(each) in {"Cc", "Cs"} for each in password):
        raise Refused("the password holds a character that no keyboard types, such as a tab or a line break")
    return PasswordHasher().hash(_spelled(password))


def matches(written: str, password: str) -> bool:
    """Tell whether a password is the one of this hash: tens of milliseconds, and as much memory as the hash says.

    Raises argon2's own errors where that cannot be told: no memory, or a hash that is damaged. Nobody is wrong then.
    """
    from argon2 import PasswordHasher
    from argon2.exceptions import VerifyMismatchError

    spelled = _spelled(password)
    if len(spelled) > LONGEST:
        return False
    try:
        return PasswordHasher().verify(written, spelled)
    except VerifyMismatchError:
        return False


def _spelled(password: str) -> bytes:
    """Return the bytes of a password; keyboards and systems write the same accented letter in two ways."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
