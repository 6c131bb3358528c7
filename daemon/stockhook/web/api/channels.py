"""Channels: which stores send here, and when each was last heard of."""

from stockhook.operations.desk import Desk
from stockhook.rows.received import DeliveryRow, delivery_row
from stockhook.rows.told import ProblemRow, problem_row
from stockhook.rows.values import Row
from stockhook.web.api.paging import Listed
from stockhook.web.api.route import Routes
from stockhook.web.channels import ShownChannel, channels
from stockhook.web.site import Site

routes = Routes()


class ChannelRow(Row, frozen=True, kw_only=True):
    """A channel: ``target`` is where the store sends to, TOKEN in place of the secret, ``steps`` what to do there.

    ``silence`` says after how long a person hears that nothing comes, null for never.
    """

    name: str
    type: str
    target: str
    steps: list[str]
    silence: str | None
    deliveries: list[DeliveryRow]
    problems: list[ProblemRow]


@routes.get("/channels")
def list_channels(desk: Desk, site: Site) -> Listed[ChannelRow]:
    """List the channels as the configuration names them, with the newest deliveries and open problems of each."""
    with desk.store.read() as view:
        return Listed(rows=[_row(each) for each in channels(view, site.settings)], more=False, next=None)


def _row(channel: ShownChannel) -> ChannelRow:
    return ChannelRow(
        name=channel.name,
        type=channel.type,
        target=channel.target,
        steps=list(channel.steps),
        silence=channel.silence,
        deliveries=[delivery_row(delivery) for delivery in channel.deliveries],
        problems=[problem_row(problem) for problem in channel.problems],
    )
