"""What refusals tell to do by commands, as a person on the pages does it.

A command that no page stands in for stays as it is.
"""

import re
from collections.abc import Sequence
from typing import Final

_PHRASES: Final[Sequence[tuple[re.Pattern[str], str]]] = [
    (re.compile(written), instead)
    for written, instead in (
        (r"`stockhook stock list(?: --all)?`", "the list of items"),
        (r"`stockhook events list`", "the list of events"),
        (r"`stockhook deliveries (?:list|show)`", "the list of deliveries"),
        (r"`stockhook problems list(?: --all)?`", "the list of problems"),
        (r"\(stockhook problems list\)", "(in the list of problems)"),
        (r"`stockhook problems acknowledge`", "Acknowledge"),
        (r"\(`stockhook stock release \d+`\)", "(on its page)"),
        (r"\(`stockhook stock release --lot [^`]*`\)", "(on the pages of its units)"),
        (r"\(`stockhook stock adjust`\)", "(Adjust the quantity, on the page of the unit)"),
        (r"`stockhook stock receive`", "Receive, on the page of the item"),
        (r"stockhook stock count \d+ QUANTITY", "Count it, on the page of the unit"),
        (r"stockhook stock count .+ QUANTITY --location PATH", "Count, on the page of the item"),
        (r"stockhook stock count\b", "Count, on the page of the item"),
        (r"; `stockhook orders show `?[^`]+`", "; the page of the order shows them"),
        (r"; `stockhook orders show`$", "; the page of the order shows what was"),
        (r"`stockhook orders show`", "the page of the order"),
        (r"stockhook orders correct .+ LINE --to-unit U, --quantity N or --returned N", "Correct, on its page"),
        (r"by: stockhook items rename (.+) \S+$", r"on the page of \1, which gives it another SKU"),
        (r"stockhook items retire .+ --undo", "Take it up again, on its page"),
        (r"`stockhook items set [^`]*`", "the page of the item"),
        (r"`stockhook items add [^`]+` adds it", "add it on the page of items"),
        (r"`stockhook items add ([^`]+)`", r"add \1 on the page of items"),
        (r"add it with: stockhook locations add .+", "add it on the page of locations"),
        (r"add it with: stockhook items add .+", "add it on the page of items"),
        (r"`stockhook locations set` changes it", "change it on the page of locations"),
        (r"say whether it is picked from \(--pickable\), or its turn \(--pick-sequence\)", "say which"),
    )
]


def on_page(told: str) -> str:
    """Return a sentence with the names of pages and of their buttons in place of commands that do the same."""
    for written, instead in _PHRASES:
        told = written.sub(instead, told)
    return told
