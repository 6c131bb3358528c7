"""Channels: which stores send here, how to connect each, and when it was last heard of."""

from collections.abc import Sequence
from dataclasses import dataclass

from stockhook.channel import Guided
from stockhook.hours import ALWAYS
from stockhook.model import Delivery, Problem, ProblemState
from stockhook.operations.channels import target_url
from stockhook.settings import ConfiguredChannel, Settings
from stockhook.store import Read
from stockhook.web.page import Page

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class ShownChannel:
    """A channel: where the store sends to, what to do there, the newest deliveries and what is wrong.

    ``silence`` says after how long a person hears that nothing came; None: never.
    """

    name: str
    type: str
    target: str
    steps: Sequence[str]
    deliveries: Sequence[Delivery]
    problems: Sequence[Problem]
    silence: str | None


class ChannelsPage(Page):
    """The list of channels."""

    async def get(self) -> None:
        """Show it."""
        settings = self.site.settings
        await self.show("channels.html", lambda view: {"channels": channels(view, settings)})


def channels(view: Read, settings: Settings) -> list[ShownChannel]:
    """Return the configured channels, as the configuration lists them."""
    found = []
    for name, configured in settings.channels.items():
        guided, target = configured.channel, target_url(settings, name)
        problems = {"subject": name, "kind": frozenset({"channel-silent", "refused-deliveries"})}
        found.append(
            ShownChannel(
                name,
                guided.type,
                target,
                guided.guide(target) if isinstance(guided, Guided) else (),
                view.find(Delivery, {"channel": name}, most=_SHOWN),
                view.find(Problem, {**problems, "state": ProblemState.OPEN}),
                _silence(configured),
            )
        )
    return found


def _silence(channel: ConfiguredChannel) -> str | None:
    """Return after how long one hears of silence, in words."""
    if channel.silence is None:
        return None
    hours = channel.silence.after.total_seconds() / 3600
    when = "" if channel.silence.hours == ALWAYS else f" of its business hours ({channel.rules.time_zone})"
    return f"{hours:g} hour{'' if hours == 1 else 's'}{when}"
