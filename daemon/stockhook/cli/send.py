"""``stockhook send``: post files to the running daemon, as the store would."""

import base64
import http.client
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import click

from stockhook.cli import output
from stockhook.cli.arguments import FILE, progress
from stockhook.cli.command import REFUSED, Command
from stockhook.cli.context import Context
from stockhook.errors import Refused
from stockhook.operations.channels import chosen
from stockhook.operations.spreadsheet import read_file
from stockhook.secret import Secret

_SECONDS: Final = 60.0
_ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - where to call what listens there


@dataclass(frozen=True, slots=True)
class _Target:
    """Where to post to: a host and port, or the path of a UNIX socket; ``headers`` say who we are."""

    scheme: str
    host: str
    port: int | None
    unix: str
    path: str
    headers: Mapping[str, str]


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a UNIX socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_SECONDS)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_SECONDS)
        self.sock.connect(self._path)


@click.command(cls=Command)
@click.argument("files", nargs=-1, required=True, type=FILE, metavar="FILE...")
@click.option("--channel", metavar="C", help="As whose webhook; needed where there are several.")
@click.option("--url", metavar="U", help="Where the daemon is: http://127.0.0.1:8460; otherwise as [server] says.")
@click.pass_context
def send(ctx: click.Context, files: tuple[Path, ...], channel: str | None, url: str | None) -> None:
    """Post files to the running daemon as a webhook of the store, with the token of the configuration.

    Exit code 1 if any was not answered 200. Sending a file again changes nothing.

    Example: stockhook send order_ship.json
    """
    context = ctx.find_object(Context)
    assert context is not None
    bodies = [(file, read_file(file)) for file in files]
    target = _target(context, channel, url)
    sent = []
    with progress(context, "sending", len(bodies)) as advance:
        for file, body in bodies:
            status, said = _post(target, body)
            sent.append({"file": str(file), "status": status, "answer": said})
            advance(1)
    output.rows(context, sent)
    if any(row["status"] != http.HTTPStatus.OK for row in sent):
        ctx.exit(REFUSED)


def _target(context: Context, channel: str | None, url: str | None) -> _Target:
    from stockhook import config

    server = context.daemon_settings.server
    tables = config.read(context.path)[0].channels
    name = chosen(channel, list(tables))
    options = tables[name][1].options
    path = f"/webhooks/{name}/{_secret(options.get('token'))}"
    headers = {"Content-Type": "application/json", "User-Agent": "stockhook send"}
    if options.get("username") and options.get("password"):
        basic = f"{options['username']}:{_secret(options['password'])}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(basic).decode()}"
    if url is None and server.listen.path:
        return _Target("http", "", None, server.listen.path, path, headers)
    parts = urlsplit(url or f"http://{server.listen}")
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in ("http", "https") or not parts.netloc or port == -1:
        raise Refused(f"--url {url!r} is not the address of a daemon; write it like http://127.0.0.1:8460")
    host = parts.hostname or ""
    return _Target(parts.scheme, _ANYWHERE.get(host, host), port, "", parts.path.rstrip("/") + path, headers)


def _secret(value: Any) -> str:
    """Return a secret of a channel's table; where there are two, the first is the one in use."""
    first = value[0] if isinstance(value, list | tuple) else value
    return Secret.resolve(first).reveal()


def _post(target: _Target, body: bytes) -> tuple[int, str]:
    """Post one body and return the status and the first words of the answer; raises Refused if nobody answers."""
    connection: http.client.HTTPConnection
    if target.unix:
        connection = _UnixConnection(target.unix)
    else:
        kind = http.client.HTTPSConnection if target.scheme == "https" else http.client.HTTPConnection
        connection = kind(target.host, target.port, timeout=_SECONDS)
    try:
        with suppress(BrokenPipeError, ConnectionResetError):  # it may have answered and hung up: too large
            connection.request("POST", target.path, body, dict(target.headers))
        answer = connection.getresponse()
        said = answer.read(200).decode("utf-8", "replace").strip()
    except (OSError, http.client.HTTPException) as error:
        where = target.unix or f"{target.scheme}://{target.host}:{target.port or ''}".rstrip(":")
        raise Refused(
            f"no daemon answers at {where} ({str(error) or type(error).__name__}); start it with `stockhook serve`, or "
            "say where it is with --url"
        ) from None
    finally:
        connection.close()
    return answer.status, said or answer.reason
