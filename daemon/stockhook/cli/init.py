"""``stockhook init``: a first configuration, with a token nobody has seen."""

import json
import os
import secrets
from pathlib import Path
from typing import Final

import click

from stockhook.cli import output
from stockhook.cli.command import Command
from stockhook.cli.context import DEFAULT_CONFIG, Context
from stockhook.errors import Refused
from stockhook.operations.channels import target_url

_STARTER: Final = """\
# stockhook's configuration. Every option is described in config.toml.example; what is not here stands at its default.
# After a change: stockhook check --config {path}

[server]
listen = "127.0.0.1:8460"    # the store's webhooks come in here; put a proxy with TLS in front
{public_url}

[admin]
listen = "127.0.0.1:8461"    # the status page; only this machine can reach it
# password_hash = "..."      # asked of everybody, and needed before others may reach it: stockhook admin hash-password

[store]
type = "sqlalchemy"
url = {url}

[channels.{channel}]
type = "ultracart"
merchant_id = {merchant_id}
token = "{token}"            # the secret part of the target URL; keep it to yourself
# since = 2026-12-01T00:00:00Z   # goods shipped before this moment are already out of your opening stock

[allocation]
strategy = "fifo"            # which units go first; also lifo, fefo, location, ... (stockhook plugins)
on_shortage = "partial"      # what is there is taken, the rest is owed until stock arrives

# [notifiers.office]           # mail about what does not add up
# type = "email"
# host = "smtp.example.com"
# from = "stockhook@example.com"
# to = ["stock@example.com"]
"""

_THERE: Final = "{path} exists; name another file with --config, or remove that one first"

_NEXT: Final = """\
{path} is written. Next:

1. In UltraCart, under Home > Configuration > Development > Webhooks, add a webhook with this target URL:
     {target}
   Subscribe it to order_ship, order_update, order_refund and order_reject, each with the expansions
   item, shipping, linked_shipment.
   The last part of the URL is a secret; whoever knows it can report shipments.
2. stockhook check --config {path}
3. stockhook serve --config {path}
"""


@click.command(cls=Command)
@click.option("--merchant-id", help="Whose orders come in: DEMO; otherwise asked for.")
@click.option("--channel", default="shop", show_default=True, help="What to call this store's webhooks.")
@click.option("--public-url", help="How the world reaches the listener: https://stock.example.com")
@click.pass_obj
def init(context: Context, merchant_id: str | None, channel: str, public_url: str | None) -> None:
    """Write a first configuration to the file of --config, with a fresh token; an existing file is left alone."""
    path = context.path.absolute()
    if path.exists():
        raise Refused(_THERE.format(path=path))
    if merchant_id is None:
        merchant_id = str(click.prompt("Merchant id of your UltraCart store"))
    token = secrets.token_urlsafe(32)
    written = _STARTER.format(
        path=path,
        public_url=f"public_url = {json.dumps(public_url)}" if public_url else '# public_url = "https://..."',
        url=json.dumps(_store_url(path)),
        channel=channel,
        merchant_id=json.dumps(merchant_id, ensure_ascii=False),
        token=token,
    )
    _write(path, written)
    try:
        settings = context.daemon_settings
    except Exception:
        path.unlink()  # what was asked for makes no good configuration: leave nothing half done behind
        raise
    target = target_url(settings, channel, token)
    if context.json:
        output.record(context, {"path": str(path), "target_url": target})
    else:
        click.echo(_NEXT.format(path=path, target=target), nl=False)


def _store_url(path: Path) -> str:
    """Return where the database goes: where systemd puts it, or beside a configuration of one's own."""
    if path.parent == DEFAULT_CONFIG.parent:
        return "sqlite:////var/lib/stockhook/stockhook.db"
    return f"sqlite:///{path.parent / 'stockhook.db'}"


def _write(path: Path, text: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Refused(_THERE.format(path=path)) from None
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}; name another file with --config") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
