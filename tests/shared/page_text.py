"""What a person reads on a page, as tests compare it."""

import re
from html import unescape


def words(page: str | bytes) -> str:
    """Return the text of a page in one line, with ``-`` for each minus sign and ``~`` for each dash."""
    markup = page.decode() if isinstance(page, bytes) else page
    text = " ".join(unescape(re.sub(r"<[^>]*>", " ", markup)).split())
    return text.replace("\N{EN DASH}", "~").replace("\N{MINUS SIGN}", "-")
