"""A page for people: read and filled in a thread, so that neither store nor template holds up the event loop."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any, TypeAlias, TypeVar
from urllib.parse import urlencode

from stockhook.errors import BadQuantity, Refused
from stockhook.operations.desk import Desk
from stockhook.store import Read
from stockhook.web.base import BaseHandler, PageError
from stockhook.web.paging import id_of
from stockhook.web.segments import named
from stockhook.web.site import Said

R = TypeVar("R")

Values: TypeAlias = Mapping[str, Any]
"""What a template is filled with."""


class Page(BaseHandler):
    """A page that shows what the store has, and the actions of its forms."""

    def prepare(self) -> None:
        """Let in, or refuse; then read the names in the address. PostgreSQL cannot even be asked for a zero byte."""
        super().prepare()
        if any("\0" in each for each in self.path_args):
            raise PageError(HTTPStatus.NOT_FOUND, "There is no such page: its address holds a zero byte.")
        self.path_args = [named(each) for each in self.path_args]

    async def head(self, *args: str) -> None:
        """Answer as ``get`` does; the server leaves the page itself away."""
        answer = self.get(*args)
        if answer is not None:
            await answer

    async def read(self, gather: Callable[[Read], R]) -> R:
        """Return what ``gather`` finds in one view of the store."""

        def look() -> R:
            with self.site.desk.store.read() as view:
                return gather(view)

        return await self.in_thread(look)

    async def show(self, template: str, gather: Callable[[Read], Values]) -> None:
        """Answer with the template, filled with what ``gather`` finds in one view of the store."""
        said = self.site.sayings.take(self.asked("said"))
        now = self.site.desk.clock.now()

        def fill() -> bytes:
            with self.site.desk.store.read() as view:
                values = gather(view)
            return self.filled(template, said=said, now=now, **values)

        await self.finish(await self.in_thread(fill))

    async def act(self, do: Callable[[Desk], str], then: str) -> None:
        """Do what a form asks for and lead to the page ``then``, which says what was done, or why it was not."""
        desk = replace(self.site.desk, actor=self.actor.name)

        def done() -> Said:
            try:
                return Said(do(desk))
            except (Refused, BadQuantity) as error:
                return Said(str(error), good=False)

        self.lead_on(await self.in_thread(done), then)

    def lead_on(self, said: Said, then: str) -> None:
        """Lead to the page ``then``, which says it; what was done is for the loops to look at."""
        if said.good:
            self.site.wake()
        joint = "&" if "?" in then else "?"
        self.redirect(f"{then}{joint}{urlencode({'said': self.site.sayings.put(said)})}", status=HTTPStatus.SEE_OTHER)

    def asked(self, name: str) -> str:
        """Return what the address asks for by this name, trimmed; empty for nothing."""
        return self.get_query_argument(name, "").strip()

    def given(self, name: str) -> str:
        """Return what the form gives by this name: the last that is not empty, trimmed."""
        found = [value for value in self.get_body_arguments(name) if value]
        return found[-1] if found else ""


def number(written: str, what: str) -> int:
    """Return the id in an address; raises PageError (404) for one that no record can have."""
    found = id_of(written)
    if found is None:
        raise PageError(HTTPStatus.NOT_FOUND, f"There is no {what} {written[:40]}.")
    return found
