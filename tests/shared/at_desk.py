"""Commands at a desk of a test's own, on whatever store and clock it has: nothing is configured, nothing opened."""

from collections.abc import Iterator
from contextlib import contextmanager

from click.testing import CliRunner, Result

from stockhook.cli import main
from stockhook.cli.context import Context
from stockhook.operations.desk import Desk


class AtDesk(Context):
    """What a command works with, where the desk is set up already."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk

    @contextmanager
    def desk(self) -> Iterator[Desk]:
        """Hand out the desk."""
        yield self._desk


def at_desk(desk: Desk, *words: object) -> Result:
    """Run a command at the desk, as a person types it."""
    return CliRunner().invoke(main, [str(word) for word in words], obj=AtDesk(desk), prog_name="stockhook")
