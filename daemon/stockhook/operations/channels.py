"""Which of the configured channels a person means, and where its store sends to."""

from collections.abc import Sequence

from stockhook.errors import Refused
from stockhook.operations.suggestions import did_you_mean, near
from stockhook.settings import Settings


def chosen(channel: str | None, names: Sequence[str]) -> str:
    """Return the channel of that name, or the only one there is; raises Refused with those to choose from."""
    if channel is None and len(names) == 1:
        return names[0]
    if channel is None:
        raise Refused(f"there are several channels; name one: --channel {' or --channel '.join(names)}")
    if channel not in names:
        raise Refused(f"there is no channel {channel!r} in the configuration{did_you_mean(near(channel, names))}")
    return channel


def target_url(settings: Settings, channel: str, token: str = "TOKEN") -> str:  # noqa: S107 - stands for one
    """Return where a channel's store sends its webhooks; unless it is given, a word in place of the secret."""
    listen = settings.server.listen
    base = settings.server.public_url or ("https://YOUR-HOST" if listen.path else f"http://{listen}")
    return f"{base.rstrip('/')}/webhooks/{channel}/{token}"
