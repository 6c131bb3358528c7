"""What the daemon imports before it listens, and the pages that come behind it."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from tornado.web import Application

from stockhook.web.deferred import DeferredPages

UNNEEDED = ("argon2", "jinja2", "prometheus_client", "tornado.web", "stockhook.web.api", "stockhook.web.app")


def test_the_daemon_is_imported_without_pages_api_metrics_and_password_hashing() -> None:
    code = f"import sys, stockhook.daemon; print([name for name in {UNNEEDED!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_whoever_asks_first_the_pages_are_made_once() -> None:
    made: list[Application] = []

    def make() -> Application:
        made.append(Application())
        return made[-1]

    pages = DeferredPages(make)
    pages.on_close(object())
    assert made == []
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: pages.load(), range(8)))
    assert found == made * 8
