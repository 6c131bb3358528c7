"""The composition root: what the configuration describes, started in order, stopped in reverse."""

import asyncio
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from tornado.httpserver import HTTPServer

from stockhook import log
from stockhook import settings as configured
from stockhook.budget import Budget
from stockhook.clock import Clock, SystemClock
from stockhook.config.values import Address
from stockhook.dispatcher import Dispatcher
from stockhook.errors import ConfigError, StoreBroken, StoreUnavailable
from stockhook.health import Health
from stockhook.intake import DEADLINE, Intake
from stockhook.meters import Meters
from stockhook.model import Notice
from stockhook.opening import open_for_daemon
from stockhook.operations.backlog import backlog
from stockhook.operations.desk import set_up
from stockhook.operations.volume import Volume
from stockhook.outbox import MORE
from stockhook.process import settle_memory, settle_threads
from stockhook.quantity import counted
from stockhook.refusals import Refusals
from stockhook.settings import Settings
from stockhook.sockets import bind, refuse_reachable, written
from stockhook.systemd import Systemd, handed_sockets
from stockhook.upkeep import Upkeep
from stockhook.watch import Watch
from stockhook.web.access import Access
from stockhook.web.body_limit import LINGER
from stockhook.web.deferred import DeferredPages
from stockhook.web.intake import IntakeServer
from stockhook.web.listener import Listener
from stockhook.web.log_outs import LogOuts
from stockhook.web.proxies import Proxies
from stockhook.web.scrape import Scrape
from stockhook.web.shared import SharedServer
from stockhook.worker import Worker
from stockhook.worker_loop import WorkerLoop

if TYPE_CHECKING:
    from tornado.web import Application

logger = log.get(__name__)

IDLE: Final = 60
"""Seconds a connection may be silent between requests, and take to send its headers."""
BODY: Final = 20
"""Seconds a body may take; the sender gives up at 30."""
DRAIN: Final = 25.0
"""Seconds that requests under way get to be answered when the daemon stops."""
WORKING: Final = 120.0
"""Seconds that one batch may take: its planning has a budget, and what waits for the store gives up long before."""
_HEADERS: Final = 16 * 1024
_UNLIMITED: Final = 1 << 40  # the listener itself counts bodies, so that it can answer with a 413
_WATCH: Final = 1.0
_TELL: Final = 5.0


class Daemon:
    """One running daemon: ``serve`` runs it until ``stop`` is called, or until a loop breaks, which needs a restart.

    ``ending`` is called once, when it begins to end.
    """

    def __init__(
        self, settings: Settings, clock: Clock | None = None, ending: Callable[[], None] = lambda: None
    ) -> None:
        self.settings = settings
        self._ending = ending
        self.clock = clock or SystemClock()
        self.budget = Budget()
        self.desk = set_up(settings, self.clock, "daemon", self.budget)
        self.channels = {name: one.channel for name, one in settings.channels.items()}
        self.notifiers = {name: one.notifier for name, one in settings.notifiers.items()}
        self.health = Health(alive=self._alive, ready=self._ready)
        self.meters = meters = Meters()
        self.scrape = Scrape(settings, self.health, meters, self.clock)
        self.intake = Intake(settings.store, self.clock, settings.limits.in_flight, meters)
        refusals = Refusals()
        self.watch = Watch(self.desk, settings, refusals)
        self.worker = Worker(
            self.desk, self.channels, batch=settings.limits.batch, quiet=lambda: self.intake.quiet, meters=meters
        )
        self.server = IntakeServer(
            self.intake,
            self.channels,
            self.health,
            settings.limits,
            silence=IDLE,
            body=BODY,
            meters=meters,
            refusals=refusals,
            proxies=Proxies.of(settings.server),
        )
        self.access = Access(settings.admin, self.clock)
        self.log_outs = LogOuts(self.access, self.desk)
        self.volume = Volume()
        self.pages = DeferredPages(self._application)
        self.systemd = Systemd()
        self.addresses: dict[str, str] = {}
        self._reload_failed = ""
        self._watched: float | None = None
        self._unwatched = log.Outage(logger, "store cannot be watched", "store is watched again")
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._servers: list[HTTPServer] = []

    async def serve(self) -> int:
        """Run until stopped and return the exit code: 0, or 1 when a loop broke and a restart is due.

        Raises what opening the store raises, and Refused when an address cannot be listened on.
        """
        store = self.settings.store
        await open_for_daemon(store, self.systemd)
        try:
            store.serve()
            await asyncio.to_thread(self.scrape.begin)
            await self.log_outs.follow()
            self._start()
            settle_memory()
            settle_threads()
            broken = await self._until_stopped()
            self._ending()
            await self._finish()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            for server in self._servers:
                server.stop()
                await server.close_all_connections()
            self.server.lines.close()
            await asyncio.to_thread(store.close)
        if broken is not None:
            logger.critical("stopped, to be started again", error=broken)
            return 1
        logger.info("stopped")
        return 0

    def stop(self) -> None:
        """Answer what is under way and end; called on the event loop, or by a signal."""
        self._stop.set()

    # --- start ---

    def _start(self) -> None:
        self.dispatcher = Dispatcher(
            self.settings.store, self.notifiers, self.clock, self._link, report=self._notifier, meters=self.meters
        )
        self.loop = WorkerLoop(self.worker, lambda: self.intake.quiet, self.dispatcher.wake)
        self.upkeep = Upkeep(self.desk, self.settings, self.watch, self.loop.wake, self.dispatcher.wake)
        for name, coroutine in (
            ("intake", self.intake.run()),
            ("readiness", self.intake.look()),
            ("worker", self.loop.run()),
            ("dispatcher", self.dispatcher.run()),
            ("watcher", self._watch()),
            ("watchdog", self._pet()),
            ("status", self._tell()),
            *self.upkeep.loops().items(),
        ):
            self._tasks.append(asyncio.create_task(coroutine, name=name))
        self.intake.stored = self.loop.wake
        self._listen()
        self._tasks.append(asyncio.create_task(self._load_pages(), name="pages"))
        self._signals()
        self.systemd.ready(self._status())
        logger.info("listening", **self.addresses)
        admin = self.settings.admin.listen
        if not admin.local and not self.settings.server.trusted_proxies:
            logger.warning(
                "the pages speak plain HTTP to other machines: have a proxy with TLS in front", at=str(admin)
            )
        if self.settings.shadow:
            logger.warning("shadow mode is on: nothing is booked for orders", option="allocation.shadow")

    def _listen(self) -> None:
        handed = handed_sockets()
        webhooks, pages = self.settings.server.listen, self.settings.admin.listen
        if pages.is_same(webhooks) and "admin" not in handed:
            shared = SharedServer(self.server, self.pages, LINGER, BODY)
            self._serve("server", shared, webhooks, handed.get("server"))
            self.addresses["admin"] = self.addresses["server"]
        else:
            self._serve("server", self.server, webhooks, handed.get("server"))
            self._serve("admin", self.pages, pages, handed.get("admin"))

    def _application(self) -> "Application":
        from stockhook.web.app import admin_application

        desk, settings = self.desk, self.settings
        return admin_application(
            desk, settings, self.health, self.access, self._wake, self.scrape, self.volume, self._stop.is_set
        )

    async def _load_pages(self) -> None:
        """Have the first page wait for no module or sum, nor a backlog for them; a failed import ends the daemon."""
        await self.loop.at_rest()
        await self.pages.load()
        await asyncio.to_thread(self.volume.learn, self.settings.store, self.clock.now())
        settle_memory()
        await asyncio.Event().wait()  # a loop that ends by itself is a broken one

    def _serve(self, name: str, what: Any, address: Address, handed: list[socket.socket] | None) -> None:
        server = Listener(
            what,
            idle_connection_timeout=IDLE,
            body_timeout=None if name == "server" else BODY,
            max_header_size=_HEADERS,
            max_body_size=_UNLIMITED if name == "server" else LINGER,
        )
        if name == "server":
            server.conn_params.header_timeout = None  # IntakeServer sees to it, without a timer for each request
        if name == "admin" and handed and not self.access.guarded:
            refuse_reachable(handed)
        sockets = handed or bind(address)
        self.addresses[name] = written(sockets[0], address)
        server.add_sockets(sockets)
        self._servers.append(server)

    def _signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            with suppress(ValueError, RuntimeError):  # a daemon inside a test may not run in the main thread
                loop.add_signal_handler(number, self.stop)
        with suppress(ValueError, RuntimeError):
            loop.add_signal_handler(signal.SIGHUP, self.reload)

    def reload(self) -> None:
        """Read the configuration again: the log level, who is let in, and the secrets of channels and notifiers change.

        What comes of their own options changes with them; all the rest, the store's password included, needs a restart.
        Whatever goes wrong, the old configuration stays, and systemd hears that the reload is over and has failed.
        """
        self.systemd.reloading()
        self._reload_failed = ", the last reload failed: see the log"
        try:
            fresh = configured.load(self.settings.path)
        except ConfigError as error:
            logger.error("reload refused, the old configuration stays", problems=error.problems)  # noqa: TRY400
        except Exception:  # guards the daemon: plugins are loaded anew, and may raise anything
            logger.exception("reload failed, the old configuration stays")
        else:
            log.configure(fresh.log.level)
            if not self.access.renew(fresh.admin):
                logger.warning("the pages still ask for the old password until a restart")
            self.channels.update({name: one.channel for name, one in fresh.channels.items() if name in self.channels})
            self.notifiers.update(
                {name: one.notifier for name, one in fresh.notifiers.items() if name in self.notifiers}
            )
            self._reload_failed = ""
            logger.info("reloaded", channels=sorted(self.channels), notifiers=sorted(self.notifiers))
        finally:
            self.systemd.ready(self._status())

    # --- stop ---

    async def _until_stopped(self) -> str | None:
        """Return None when asked to stop, or what ended a loop, which none should."""
        stopping = asyncio.create_task(self._stop.wait())
        done, _ = await asyncio.wait([stopping, *self._tasks], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        broken = None
        for task in done - {stopping}:
            error = task.exception()
            broken = broken or f"{error or task.get_name()}"
            # who noticed a broken store first, and where, says nothing: no traceback, once
            trace = None if isinstance(error, StoreBroken) else error
            logger.critical(
                "loop broke, the daemon must be restarted", loop=task.get_name(), error=broken, exc_info=trace
            )
        return broken

    async def _finish(self) -> None:
        """Take no new connections, answer what is under way, and have every acknowledged delivery committed."""
        self.stop()
        self.systemd.stopping()
        logger.info("stopping", requests=len(self.server.busy) + len(self.pages.busy))
        self.server.draining = True
        for server in self._servers:
            server.stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN):
                await asyncio.gather(self.server.drain(), self.pages.drain())

    # --- loops ---

    def _wake(self) -> None:
        self.loop.wake()
        self.dispatcher.wake()

    async def _watch(self) -> None:
        """Wake the loops when a command, or another daemon, has changed something."""
        while True:
            self._watched = time.monotonic()
            try:
                changed = await asyncio.to_thread(self.settings.store.wait, _WATCH)
            except StoreBroken:
                raise
            except StoreUnavailable as error:
                self._unwatched.failed(error)
                await asyncio.sleep(1)
            else:
                self._unwatched.ended()
                if changed:
                    self._wake()
                await self.log_outs.follow(changed=changed)

    async def _pet(self) -> None:
        """Pet systemd's watchdog while the loops are well; when they are not, systemd restarts the daemon."""
        while True:
            if self.systemd.watchdog_seconds and self._alive() is None:
                self.systemd.alive()
            await asyncio.sleep(self.systemd.watchdog_seconds or 3600)

    async def _tell(self) -> None:
        """Tell systemd now and then how much waits to be worked."""
        while self.systemd.heard:
            began = time.monotonic()
            try:
                waits = await asyncio.to_thread(self._backlog)
            except StoreBroken:
                raise
            except StoreUnavailable:
                waits = ", the store is unavailable"
            if not self._stop.is_set():
                self.systemd.status(self._status() + waits)
            await asyncio.sleep(max(_TELL, 50 * (time.monotonic() - began)))  # counting a large backlog has its cost
        await asyncio.Event().wait()  # a loop that ends by itself is a broken one

    def _backlog(self) -> str:
        with self.settings.store.read() as view:
            found = backlog(view, self.clock.now())
        waits = f", {counted(found.deliveries, 'delivery waits', 'deliveries wait')}"
        return f"{waits}, {counted(found.orders, 'order is', 'orders are')} due" if found.orders else waits

    # --- what others ask ---

    def _status(self) -> str:
        shadow = ", in shadow mode" if self.settings.shadow else ""
        return f"listening on {self.addresses['server']}{shadow}{self._reload_failed}"

    def _alive(self) -> str | None:
        """Return what hangs: a plan, a commit, the store's writer, which the watcher asks once a second, or a batch."""
        if self.budget.stuck:
            return "strategy stuck"
        patience = min(DEADLINE, self.systemd.watchdog_seconds or DEADLINE)
        now = time.monotonic()
        since = self.intake.committing_since
        if since is not None and now - since > patience:
            return "writer blocked"
        if self._watched is not None and now - self._watched > patience + _WATCH:
            return "store blocked"
        if self.worker.since is not None and now - self.worker.since > WORKING:
            return "worker blocked"
        return None

    def _ready(self) -> str | None:
        if self._stop.is_set():
            return "stopping"
        if not self._servers:
            return "starting"
        if self.intake.failing or self._unwatched.lasts:
            return "store unavailable"
        if self.upkeep.disk_low:
            return "disk low"
        return None

    def _notifier(self, name: str, error: str | None) -> None:
        self.watch.notifier(name, error)
        self.dispatcher.wake()

    def _link(self, notice: Notice) -> str | None:
        public = self.settings.admin.public_url
        if public is None and self.settings.admin.listen.path:
            return None
        if notice.problem_id:
            page = f"problems/{notice.problem_id}"
        else:
            page = f"problems?kind={notice.kind}" if notice.about == MORE else ""
        return f"{public or self.addresses['admin']}/{page}"
