"""A route of the API: a function whose signature says what it takes and returns.

Its parameters are ``desk``; ``site``, where it needs the configuration; one for each ``{name}`` of the path; ``query``
and ``page``, structs whose fields are query parameters; ``body``, a struct. Its docstring is what the reference says. A
function that yields text is a download of rows as CSV, one that returns bytes answers with a file.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from inspect import getdoc
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeVar, get_origin, get_type_hints

from msgspec import Meta, Struct

F = TypeVar("F", bound=Callable[..., Any])

Id: TypeAlias = Annotated[int, Meta(ge=1, lt=1 << 62)]
"""An id that a record can have."""

PREFIX: Final = "/api/v1"

_NAME: Final = re.compile(r"\{(\w+)\}")


class Query(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of an address."""


class Content(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a body holds."""


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """One method of one address, below ``PREFIX``."""

    method: Literal["GET", "POST"]
    path: str
    do: Callable[..., Any]
    takes: Mapping[str, Any]
    returns: Any
    of_site: bool = False

    @property
    def name(self) -> str:
        """What the route is called in the description."""
        return self.do.__name__

    @property
    def noun(self) -> str:
        """What it is about: the beginning of its path."""
        return self.path.split("/")[1].partition(".")[0]

    @property
    def words(self) -> tuple[str, str]:
        """What it does, in a sentence, and what else there is to say."""
        first, _, rest = (getdoc(self.do) or "").partition("\n\n")
        return " ".join(first.split()), "\n\n".join(" ".join(part.split()) for part in rest.split("\n\n"))

    @property
    def in_path(self) -> list[str]:
        """The parameters in the path."""
        return _NAME.findall(self.path)

    @property
    def in_query(self) -> list[str]:
        """The arguments that are made from the query."""
        return [name for name in ("query", "page") if name in self.takes]

    @property
    def body(self) -> Any:
        """The type of the body; None for a route that takes none."""
        return self.takes.get("body")

    @property
    def download(self) -> bool:
        """Tell whether it answers with text, a piece at a time."""
        return get_origin(self.returns) is Iterator

    @property
    def file(self) -> bool:
        """Tell whether it answers with a file."""
        return self.returns is bytes

    @property
    def pattern(self) -> str:
        """The path as a regular expression, whole."""
        parts = _NAME.split(PREFIX + self.path)
        return "".join(re.escape(part) if place % 2 == 0 else "([^/]+)" for place, part in enumerate(parts))


class Routes:
    """The routes of one noun, collected by its functions' decorators."""

    def __init__(self) -> None:
        self.all: list[Route] = []

    def get(self, path: str) -> Callable[[F], F]:
        """Have a function answer GET (and HEAD)."""
        return self._add("GET", path)

    def post(self, path: str) -> Callable[[F], F]:
        """Have a function answer POST: an action."""
        return self._add("POST", path)

    def _add(self, method: Literal["GET", "POST"], path: str) -> Callable[[F], F]:
        def add(function: F) -> F:
            hints = get_type_hints(function, include_extras=True)
            returns = hints.pop("return")
            hints.pop("desk")
            of_site = hints.pop("site", None) is not None
            self.all.append(Route(method, path, function, hints, returns, of_site))
            return function

        return add
