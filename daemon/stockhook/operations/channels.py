"""Which of the configured channels a person means."""

from collections.abc import Sequence

from stockhook.errors import Refused
from stockhook.operations.suggestions import did_you_mean, near


def chosen(channel: str | None, names: Sequence[str]) -> str:
    """Return the channel of that name, or the only one there is; raises Refused with those to choose from."""
    if channel is None and len(names) == 1:
        return names[0]
    if channel is None:
        raise Refused(f"there are several channels; name one: --channel {' or --channel '.join(names)}")
    if channel not in names:
        raise Refused(f"there is no channel {channel!r} in the configuration{did_you_mean(near(channel, names))}")
    return channel
