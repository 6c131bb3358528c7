"""A daemon in a process of its own, for the tests that ask the whole of it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from stockhook.testing.daemon import RunningDaemon


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Callable[..., RunningDaemon]]:
    """Start daemons with the options of ``RunningDaemon``; all of them are gone at the end of the test."""
    with ExitStack() as stack:

        def start(folder: Path = tmp_path, **options: Any) -> RunningDaemon:
            return stack.enter_context(RunningDaemon(folder, **options))

        yield start


@pytest.fixture
def daemon(running: Callable[..., RunningDaemon]) -> RunningDaemon:
    """A daemon with nothing but its defaults."""
    return running()
