"""Commands as stockhook has them: the same options on each, found lazily, errors told in one way.

A module of commands makes its group with ``cls=Group``; commands of it then take ``--config`` and ``--json`` by
themselves, and ``@click.pass_obj`` hands them the ``Context``.
"""

import importlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from stockhook.cli.context import Context
from stockhook.errors import ConfigError, StockhookError, StoreTooNew

_BELOW_ZERO: Final = re.compile(r"-[0-9]*\.?[0-9]+")

REFUSED: Final = 1
BAD_CONFIG: Final = 78
"""The code of sysexits.h by which systemd is told not to start again."""


def _take_config(ctx: click.Context, parameter: click.Parameter, value: Path | None) -> None:
    del parameter
    if value is not None:
        ctx.ensure_object(Context).config = value


def _take_json(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's callback
    del parameter
    if value:
        ctx.ensure_object(Context).json = True


def config_option() -> click.Option:
    """Return the option ``--config``, which is the same wherever it stands."""
    return click.Option(
        ["--config"],
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="The configuration; otherwise $STOCKHOOK_CONFIG, or /etc/stockhook/config.toml.",
        expose_value=False,
        callback=_take_config,
    )


def json_option() -> click.Option:
    """Return the option ``--json``."""
    return click.Option(["--json"], is_flag=True, help="Print JSON.", expose_value=False, callback=_take_json)


class SilentCommand(click.Command):
    """A command that prints no data: it takes ``--config``."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.params.append(config_option())


class Command(SilentCommand):
    """A command that prints something: it takes ``--config`` and ``--json``."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.params.append(json_option())


class QuantityCommand(Command):
    """A command that takes a quantity as its argument, which is never below zero: click takes -3 for an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read what was typed; a quantity below zero is told as what it is."""
        below = next((word for word in args if _BELOW_ZERO.fullmatch(word)), "")
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if not below.startswith(error.option_name):
                raise
            said = f"{below} is below zero, which is no quantity here; what is gone is booked by"
            raise click.UsageError(f"{said}: stockhook stock adjust UNIT {below} --reason CODE", ctx) from None


class Group(click.Group):
    """A group of commands; its commands are ``Command`` unless they say otherwise."""

    command_class = Command


class Root(Group):
    """The program: imports a command's module when it is called, and turns errors into a message and an exit code."""

    def __init__(self, *arguments: Any, commands_at: Mapping[str, str], **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.commands_at = commands_at
        self.params += [config_option(), json_option()]

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        del ctx
        return sorted(self.commands_at)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command; None for one that does not exist."""
        del ctx
        at = self.commands_at.get(cmd_name)
        if at is None:
            return None
        module, name = at.split(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what stockhook raises on purpose is told without a traceback."""
        ctx.ensure_object(Context)
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            for problem in error.problems:
                click.echo(problem, err=True)
            ctx.exit(BAD_CONFIG)
        except StoreTooNew as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(BAD_CONFIG)
        except StockhookError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(REFUSED)
