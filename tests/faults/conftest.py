"""A daemon on a disk, under a clock or within limits of the test's making, with stock to sell."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from disk import Disk, build
from traffic import Traffic

from stockhook.testing.daemon import RunningDaemon


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("library"))


@pytest.fixture
def disk(library: Path, tmp_path: Path) -> Disk:
    return Disk(library, tmp_path)


@pytest.fixture
def trading(tmp_path: Path) -> Iterator[Callable[..., Traffic]]:
    """Make a store with stock in it and a daemon for it, not started yet, with the options of ``RunningDaemon``.

    The store is in the folder of the test, or in that of ``store``.
    """
    with ExitStack() as stack:

        def make(store: Path = tmp_path, seed: int = 20261121, **options: Any) -> Traffic:
            daemon = RunningDaemon(tmp_path, **options)
            config = daemon.config.read_text().replace(f"{tmp_path}/stockhook.db", f"{store}/stockhook.db")
            daemon.config.write_text(config)
            stack.callback(daemon.kill)
            return Traffic((daemon,), seed).stock_up()

        yield make
