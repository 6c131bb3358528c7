"""``stockhook admin``: what lets persons and programs in, to be pasted into the configuration."""

import hashlib
import secrets
import sys
from typing import Final

import click

from stockhook.cli import output
from stockhook.cli.command import Group
from stockhook.cli.context import Context
from stockhook.errors import Refused

_PASTE: Final = """\
The token, shown this once; the program sends it as `Authorization: Bearer TOKEN`:
{token}

Put this into the configuration, then restart the daemon or reload it (SIGHUP):
[[admin.tokens]]
name = "{name}"
hash = "{hash}"
scope = "{scope}"
"""


@click.group(cls=Group)
def admin() -> None:
    """Make the password and the tokens of the status page and the API."""


@admin.command("hash-password")
@click.option("--stdin", "from_stdin", is_flag=True, help="Read the password from standard input, one line.")
@click.pass_obj
def hash_password(context: Context, from_stdin: bool) -> None:  # noqa: FBT001 - click's way
    """Print the hash of a password, for password_hash in [admin]; asks for it twice, without showing it."""
    from stockhook.password import hash_password as hashed

    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt="Once more", err=True)
    written = hashed(password)
    if context.json:
        output.record(context, {"password_hash": written})
    else:
        click.echo(written)


@admin.command("token")
@click.argument("name")
@click.option(
    "--scope",
    type=click.Choice(["read", "write"]),
    default="read",
    show_default=True,
    help="What it may do: look, or all that persons can do.",
)
@click.pass_obj
def token(context: Context, name: str, scope: str) -> None:
    """Make a token for the program NAME, and print it with what belongs into the configuration."""
    from stockhook.config.values import parse_token_name

    try:
        parse_token_name(name)
    except ValueError as error:
        raise Refused(f"{name!r} cannot name a token: {error}") from None
    made = secrets.token_urlsafe(32)
    digest = "sha256:" + hashlib.sha256(made.encode()).hexdigest()
    if context.json:
        output.record(context, {"name": name, "token": made, "hash": digest, "scope": scope})
    else:
        click.echo(_PASTE.format(token=made, name=name, hash=digest, scope=scope), nl=False)
