"""What a request asks: its path, query and body read into what a route takes."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import fields

from stockhook.web.api.faults import FaultError, bad
from stockhook.web.api.route import Route

_CUT: Final = 60


def arguments(
    route: Route, path: Sequence[str], query: Mapping[str, Sequence[bytes]], body: bytes, media: str
) -> dict[str, Any]:
    """Return what the route's function takes; raises FaultError with the parameter that is not as described."""
    found: dict[str, Any] = {}
    for name, written in zip(route.in_path, path, strict=True):
        found[name] = _converted(_plain(name, written), route.takes[name], name, strict=False)
    found |= _query(route, query)
    if route.body is not None:
        found["body"] = _body(route.body, body, media)
    elif body and _decoded(body, media) not in ({}, None):
        raise bad(None, "this address takes no body; send none, or {}")
    return found


def _query(route: Route, query: Mapping[str, Sequence[bytes]]) -> dict[str, Any]:
    kinds = {name: route.takes[name] for name in route.in_query}
    known = {field.name: name for name, kind in kinds.items() for field in fields(kind)}
    raw: dict[str, dict[str, str]] = {name: {} for name in kinds}
    for parameter, values in query.items():
        if parameter not in known:
            names = f"; there are {', '.join(sorted(known))}" if known else ", which takes none"
            raise bad(_cut(parameter), f"there is no parameter {_cut(parameter)!r} of this address{names}")
        if len(values) > 1:
            raise bad(parameter, f"{parameter} is given {len(values)} times; give it once")
        try:
            written = values[0].decode("utf-8")
        except UnicodeDecodeError:
            raise bad(parameter, f"{parameter} is not UTF-8") from None
        if written:
            raw[known[parameter]][parameter] = _plain(parameter, written)
    return {name: _converted(raw[name], kind, None, strict=False) for name, kind in kinds.items()}


def _body(kind: Any, body: bytes, media: str) -> Any:
    if not body:
        raise bad(None, "the body is empty; send a JSON object as application/json")
    raw = _decoded(body, media)
    for place, written in _texts(raw, ""):
        if not written.isprintable():
            raise bad(place, f"{place or 'the body'}: the text {_cut(written)!r} holds what cannot be printed")
    return _converted(raw, kind, None, strict=True)


def _decoded(body: bytes, media: str) -> Any:
    if media.partition(";")[0].strip().casefold() != "application/json":
        raise FaultError("not-json", "send the body as JSON, with the header Content-Type: application/json")
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        raise bad(None, f"the body is no JSON: {error}") from None


def _converted(raw: Any, kind: Any, name: str | None, *, strict: bool) -> Any:
    try:
        return _in_utc(msgspec.convert(raw, kind, strict=strict), name)
    except msgspec.ValidationError as error:
        what, _, at = str(error).partition(" - at `")
        place = at.rstrip("`").removeprefix("$").removeprefix(".") or name
        if place is None and "`" in what:
            place = what.split("`")[-2] if "field" in what else None
        raise bad(place, f"{place}: {what}" if place else what) from None


def _in_utc(value: Any, place: str | None) -> Any:
    """Return a value with its times in UTC; raises FaultError for one beyond what a calendar holds."""
    match value:
        case datetime():
            try:
                return value.astimezone(UTC)
            except OverflowError:
                raise bad(place, f"{place}: {value.isoformat()} is beyond all calendars") from None
        case list():
            return [_in_utc(part, f"{place}[{number}]") for number, part in enumerate(value)]
        case Struct():
            found = {name: getattr(value, name) for name in value.__struct_fields__}
            return type(value)(**{name: _in_utc(part, name) for name, part in found.items()})
    return value


def _texts(raw: Any, place: str) -> Iterator[tuple[str, str]]:
    match raw:
        case str():
            yield place, raw
        case list():
            for number, part in enumerate(raw):
                yield from _texts(part, f"{place}[{number}]")
        case dict():
            for name, part in raw.items():
                yield place, name
                yield from _texts(part, f"{place}.{name}".removeprefix("."))


def _plain(name: str, written: str) -> str:
    if "\0" in written:
        raise bad(name, f"{name} holds a zero byte, which nothing here has in its name")
    return written


def _cut(written: str) -> str:
    return written if len(written) <= _CUT else f"{written[:_CUT]}..."
