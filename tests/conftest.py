"""What every test may use: pytest-tornado with an event loop of our own, and the rule for missing programs.

A test that needs a program is marked ``@pytest.mark.needs("chromium")``. Where the program is not installed the test is
left out, and the run ends with a line that says so; with STOCKHOOK_ALL_TESTS=1 such a run has failed. What only root
may do ``needs("root")``; a run without it is told of, but has not failed.
"""

import asyncio
import gc
import inspect
import os
import shutil
import sys
import types
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import packaging.version
import pytest
from tornado.httpclient import AsyncHTTPClient
from tornado.ioloop import IOLoop

if TYPE_CHECKING:
    from postgres import Server

# pytest-tornado 0.8.1 imports pkg_resources, which setuptools 82 removed; the stand-in must not stay behind, because
# pytest's monkeypatch takes it for the real one.
with pytest.MonkeyPatch.context() as patch:
    patch.setitem(sys.modules, "pkg_resources", types.SimpleNamespace(parse_version=packaging.version.parse))
    import pytest_tornado.plugin  # noqa: F401 - loaded here so that pytest_plugins finds it imported

pytest.register_assert_rewrite("promises")  # it asserts, but is no file of tests

pytest_plugins = ["pytest_tornado.plugin"]

# The machine is shared with other runs: a slow example is no failure. The default run tries the same examples each
# time, so that it fails for a change and not by chance; `make test-long` goes looking for new ones.
hypothesis.settings.register_profile("shared", deadline=None, derandomize=os.environ.get("STOCKHOOK_LONG") != "1")
hypothesis.settings.load_profile("shared")

PACKAGES = {"systemd-analyze": "systemd", "cc": "gcc libc6-dev", "gcc": "gcc libc6-dev"}
"""Debian's package of a program, where it has another name."""

ROOT = "root"
CAP_SYS_ADMIN = 21

SLOWEST_FIRST = ("faults", "functional", "browser", "project")
"""The folders whose tests take longest: with several processes the quick ones at the end leave none of them idle."""

LEAVING = {"asyncio", "socket", "subprocess", "threading", "ThreadPoolExecutor"}
"""What a file of tests uses that may leave something behind of which Python warns."""

LEFT_OUT = pytest.StashKey[Counter[tuple[str, str]]]()
"""How many tests were left out, by (folder of tests, program)."""


@pytest.fixture(scope="module", autouse=True)
def left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Collect what the tests of a file leave behind at its end: what Python warns of then fails no other file.

    And hypothesis parses the source of a state machine; where Python 3.11 collects something in that very moment whose
    end prints a traceback, which parses too, it gives up with "AST constructor recursion depth mismatch".
    """
    yield
    names = {getattr(each, "__name__", "") for each in vars(request.module).values()}
    waits = any(inspect.iscoroutinefunction(each) for each in vars(request.module).values())
    if waits or request.path.parent.name != "unit" or names & LEAVING:  # it takes a fifth of a second
        gc.collect()


@pytest.fixture
def io_loop() -> Iterator[IOLoop]:
    """Run the test on a fresh asyncio loop, in place of pytest-tornado's fixture and its deprecated calls."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    current = IOLoop.current()
    yield current
    if left := asyncio.all_tasks(loop):  # one that dies with its loop is logged when it is collected, in another test
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    current.close(all_fds=True)
    asyncio.set_event_loop(None)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator["Server"]:
    """Run a PostgreSQL for all tests of this process, or take the one that STOCKHOOK_TEST_POSTGRES_URL names."""
    import postgres

    with postgres.any_server() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: "Server") -> Iterator[str]:
    """Make a fresh, empty database on PostgreSQL; a test that stops its server runs ``postgres.own_server`` instead."""
    with postgres_server.database() as url:
        yield url


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LEFT_OUT] = Counter()
    config.option.async_test_timeout = 60  # seconds, where it would be 5: a busy machine may stand still for as long
    AsyncHTTPClient.configure(None, defaults={"connect_timeout": 60, "request_timeout": 60})  # where it would be 20


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what lacks its program, begin with what is slow, let pytest-tornado run each ``async def``."""
    left_out = [item for item in items if _missing(item)]
    for item in left_out:
        config.stash[LEFT_OUT][item.path.parent.name, str(_missing(item))] += 1
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    items.sort(key=lambda item: item.path.parent.name not in SLOWEST_FIRST)
    for item in items:
        if inspect.iscoroutinefunction(getattr(item, "obj", None)):
            item.add_marker(pytest.mark.gen_test)


def _missing(item: pytest.Item) -> str | None:
    programs = [mark.args[0] for mark in item.iter_markers("needs")]
    return next((program for program in programs if not _there(program)), None)


def _there(program: str) -> bool:
    if program != ROOT:
        return shutil.which(program) is not None
    status = Path("/proc/self/status").read_text(encoding="ascii")  # in a container root may lack what makes it root
    able = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapEff:"))
    return bool(able & 1 << CAP_SYS_ADMIN)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Hear from a process of pytest-xdist what it left out; each of them collects all tests."""
    for folder, program, count in getattr(node, "workeroutput", {}).get("left_out", ()):
        node.config.stash[LEFT_OUT][folder, program] = count


def pytest_sessionfinish(session: pytest.Session) -> None:
    left_out = session.config.stash[LEFT_OUT]
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["left_out"] = [(*key, count) for key, count in left_out.items()]
    elif any(program != ROOT for _, program in left_out) and os.environ.get("STOCKHOOK_ALL_TESTS") == "1":
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    fatal = os.environ.get("STOCKHOOK_ALL_TESTS") == "1"
    for (folder, program), count in sorted(config.stash[LEFT_OUT].items()):
        noun = "test" if count == 1 else "tests"
        way = "run as root" if program == ROOT else f"apt install {PACKAGES.get(program, program)}"
        red = fatal and program != ROOT
        terminalreporter.write_line(f"{count} {folder} {noun} not run: {way}", red=red, yellow=not red)
