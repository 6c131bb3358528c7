"""Answers for programs: a route is called in a thread, and whatever goes wrong is told as problem details."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Any, Final

import msgspec
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError

from stockhook import log
from stockhook.errors import StockhookError
from stockhook.operations.answers import done_once
from stockhook.operations.desk import Desk
from stockhook.web.api.asking import arguments
from stockhook.web.api.faults import MEANINGS, TYPE, FaultError, bad, fault, of_error
from stockhook.web.api.route import Route
from stockhook.web.base import RETRY_AFTER, PageError
from stockhook.web.program import ProgramHandler
from stockhook.web.site import Site

logger = log.get(__name__)

KEY: Final = "Idempotency-Key"
LONGEST_KEY: Final = 200
JSON: Final = "application/json"
_WEIGHT: Final = re.compile(r"[01](?:\.[0-9]{0,3})?")
FILE: Final = "application/octet-stream"
CSV: Final = "text/csv; charset=utf-8; header=present"


class ApiHandler(ProgramHandler):
    """What every answer below ``/api/v1`` has in common."""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with problem details, whose ``type`` is one of ``faults.MEANINGS``."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        word, parameter = (error.word, error.parameter) if isinstance(error, FaultError) else (None, None)
        told = fault(status_code, error.sentence if isinstance(error, PageError) else "", word, parameter)
        if word == "busy":
            self.set_header("Retry-After", RETRY_AFTER)
        if not told.detail:
            told = msgspec.structs.replace(told, detail=MEANINGS[told.type.removeprefix(TYPE)][1])
        self.problem(status_code, told.detail, type=told.type, title=told.title, parameter=told.parameter)

    def answer_to(self, error: StockhookError) -> FaultError:
        """Return the problem details of what an operation raised."""
        return of_error(error)


class Endpoint(ApiHandler):
    """One address; ``routes`` are its methods, ``sheet`` what answers instead where a list is asked for as CSV."""

    def initialize(self, site: Site, routes: Mapping[str, Route] | None = None, sheet: Route | None = None) -> None:
        """Take what every page works with, the routes, and the list as CSV, where there is that."""
        super().initialize(site)
        self.routes = routes or {}
        self.sheet = sheet

    async def get(self, *path: str) -> None:
        """Answer what was asked."""
        route = self._route("GET")
        if self.sheet is not None:
            self.set_header("Vary", "Accept")
            route = self.sheet if wants_csv(self.request.headers.get_list("Accept")) else route
        asked = await self._asked(route, path)
        if route.download:
            self.set_header("Content-Disposition", f'attachment; filename="{route.path.rpartition("/")[2]}"')
            await self._stream(await self.in_thread(partial(route.do, self.site.desk, **asked)))
        elif route.file:
            name = "-".join((*path, route.path.rpartition("/")[2]))
            self.set_header("Content-Disposition", f'attachment; filename="{route.noun}-{name}"')
            await self._answer(await self.in_thread(partial(route.do, self.site.desk, **asked)), FILE)
        else:
            await self._answer(await self.in_thread(lambda: encoded(route.do(self.site.desk, **asked))))

    async def head(self, *path: str) -> None:
        """Answer as GET does; the server leaves the body away."""
        await self.get(*path)

    async def post(self, *path: str) -> None:
        """Do what was asked, and answer what came of it."""
        route = self._route("POST")
        asked = await self._asked(route, path)
        desk, key = replace(self.site.desk, actor=self.actor.name), self._key()

        def act(desk: Desk) -> bytes:
            return encoded(route.do(desk, **asked))

        if key is None:
            answer = await self.in_thread(lambda: act(desk))
        else:
            answer, again = await self.in_thread(lambda: done_once(desk, key, self._digest(), act))
            self.set_header("Idempotency-Replayed", "true" if again else "false")
        self.site.wake()
        await self._answer(answer)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Name the methods there are, where it was another."""
        if status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            self.set_header("Allow", ", ".join(sorted({*self.routes, *(["HEAD"] if "GET" in self.routes else [])})))
        super().write_error(status_code, **kwargs)

    @property
    def asked_for(self) -> str:
        """The route, without what was put into it."""
        return next((route.path for route in self.routes.values()), "")

    def _route(self, method: str) -> Route:
        if method not in self.routes:
            raise HTTPError(HTTPStatus.METHOD_NOT_ALLOWED)
        return self.routes[method]

    def _key(self) -> str | None:
        """Return the word under which the request is to be done once; raises FaultError for one that cannot be kept."""
        given = self.request.headers.get_list(KEY)
        if len(given) > 1:
            raise bad(KEY, f"{KEY} is given {len(given)} times; give it once")
        key = given[0] if given else None
        if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
            raise bad(KEY, f"{KEY} is to be 1 to {LONGEST_KEY} printable characters of ASCII, such as a UUID")
        return key

    def _digest(self) -> str:
        asked = f"{self.request.method} {self.request.path}?{self.request.query}\n".encode() + self.request.body
        return hashlib.sha256(asked).hexdigest()

    async def _asked(self, route: Route, path: tuple[str, ...]) -> dict[str, Any]:
        """Return what the route takes; a thread reads it, since a large body would hold up the event loop."""
        media = self.request.headers.get("Content-Type", "")
        body = self.request.body if route.method == "POST" else b""
        query = self.request.query_arguments
        asked = await self.in_thread(lambda: arguments(route, path, query, body, media), self.site.reads)
        return {**asked, "site": self.site} if route.of_site else asked

    async def _answer(self, answer: bytes, media: str = JSON) -> None:
        self.set_header("Content-Type", media)
        await self.finish(answer)

    async def _stream(self, pieces: Iterator[str]) -> None:
        """Send a download as it is read; one that breaks off is cut, so that it is not taken for whole."""
        piece = await self.in_thread(lambda: next(pieces, ""))
        self.set_header("Content-Type", CSV)
        if self.request.method == "HEAD":
            return
        try:
            while piece:
                self.write(piece)
                await self.flush()
                piece = await self.site.reads.run(lambda: next(pieces, ""), begun=True)
            await self.finish()
        except StreamClosedError:  # by who asked
            return
        except BaseException as error:
            self.detach().close()
            if not isinstance(error, StockhookError):
                raise
            logger.warning("download broke off", asked_for=self.asked_for, error=str(error))


class NoEndpoint(ApiHandler):
    """Answers what no route of the API knows."""

    def prepare(self) -> None:
        """Answer 404 to whoever is let in."""
        super().prepare()
        raise FaultError("not-found", "there is no such address in this API; /api lists those there are")


def encoded(answer: Any) -> bytes:
    """Return an answer as JSON; what is JSON already stays as it is."""
    return answer if isinstance(answer, bytes) else msgspec.json.encode(answer)


def wants_csv(accepted: Sequence[str]) -> bool:
    """Tell whether ``Accept`` asks for CSV rather than for JSON: by its name, and with the greater weight."""
    weights: dict[str, float] = {}
    for one in ",".join(accepted).split(","):
        media, *parameters = (part.strip().lower() for part in one.split(";"))
        weight = next((each[2:] for each in parameters if each.startswith("q=")), "1")
        weights[media] = float(weight) if _WEIGHT.fullmatch(weight) else 0.0
    return weights.get("text/csv", 0.0) > weights.get(JSON, 0.0)
