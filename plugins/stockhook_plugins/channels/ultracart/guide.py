"""What a person does in UltraCart's portal so that the store sends its webhooks (ultracart.md 1.5 and 1.7)."""

from typing import Final

_STEPS: Final = """
In UltraCart, open Configuration > Development > Webhooks (in older accounts Configuration > Back Office > Webhooks),
and add a webhook.

As target URL give `{target}`, with the token of your configuration in place of TOKEN, and {authentication}.

Subscribe it to Order Ship. With Order Update, Order Refund and Order Reject as well, edits, refunds and rejections are
seen.

Save it, and edit it again: only now it takes expansions. For each of these events give `item,shipping,linked_shipment`;
without `item` the store sends orders without their lines.

Leave the compression of events off. Ship one order, and see whether it comes in.
"""

_BASIC: Final = "choose the authentication basic, with the user name and password of your configuration"
_NONE: Final = "leave the authentication at none: the token in the URL is the key"


def guide(target: str, *, basic: bool) -> tuple[str, ...]:
    """Return the steps; ``basic``: the store is to log in as well."""
    written = _STEPS.format(target=target, authentication=_BASIC if basic else _NONE)
    return tuple(" ".join(step.split()) for step in written.strip().split("\n\n"))
