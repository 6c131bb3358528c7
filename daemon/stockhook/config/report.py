"""Tells a person what is wrong with a configuration: one line a problem, TOML path first, secrets never shown."""

import json
import re
import typing
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any, Final

from pydantic import BaseModel, ValidationError

Place = tuple[str | int, ...]
"""Where in the TOML document: keys, and the indexes of lists."""


def toml_path(place: Place) -> str:
    """Return ``place`` the way TOML writes it: ``channels.shop.token``, ``allocation.locations[0]``."""
    text = ""
    for part in place:
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        key = part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else json.dumps(part)
        text += f".{key}" if text else key
    return text


def did_you_mean(written: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean X?"`` for the known word nearest to ``written``, or nothing where none is near."""
    near = get_close_matches(written.casefold(), list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def unknown_option(place: Place, known: Iterable[str]) -> str:
    """Return the line about an option that nothing takes."""
    return f"{toml_path(place)}: unknown option{did_you_mean(str(place[-1]), known)}"


def shown(value: object) -> str:
    """Return a value for a message; long texts are cut, tables and lists named only."""
    match value:
        case str():
            return json.dumps(value if len(value) <= 60 else value[:57] + "...", ensure_ascii=False)  # noqa: PLR2004
        case bool():
            return str(value).lower()
        case int() | float() | datetime() | date():
            return str(value)
        case dict():
            return "a table"
        case list():
            return "a list"
    return type(value).__name__


def problems(
    error: ValidationError,
    at: Place,
    table: Mapping[str, Any],
    model: type[BaseModel],
    also_known: Iterable[str] = (),
    *,
    show: bool = False,
) -> list[str]:
    """Return one line for each place that ``error`` is about, in the order of the document.

    ``table`` is what was validated against ``model``, found at ``at``. ``show`` adds what was found; leave it off for
    tables that may hold secrets. ``also_known`` are options of the table that are taken elsewhere.
    """
    lines: dict[Place, list[str]] = {}
    ends: dict[Place, str] = {}
    for detail in error.errors(include_url=False, include_input=False):
        place, value = _locate(detail["loc"], table, missing=detail["type"] == "missing")
        if detail["type"] == "extra_forbidden":
            known = {*option_names(_model_at(model, place[:-1])), *(also_known if len(place) == 1 else ())}
            text = f"unknown option{did_you_mean(str(place[-1]), known)}"
        else:
            text = _expectation(detail["type"], detail["msg"])
            ends[place] = ends.get(place, "") or _finding(detail, value, show=show)
        lines.setdefault(place, []).append(text)
    return [
        f"{toml_path((*at, *place))}: {', or '.join(dict.fromkeys(texts))}{ends.get(place, '')}"
        for place, texts in lines.items()
    ]


_PLAIN: Final = {
    "string_type": "expected a text in quotes",
    "int_type": "expected a whole number",
    "int_parsing": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_type": "expected a number",
    "float_parsing": "expected a number",
    "bool_type": "expected true or false",
    "bool_parsing": "expected true or false",
    "tuple_type": "expected a list",
    "list_type": "expected a list",
    "dict_type": "expected a table",
    "model_type": "expected a table",
    "model_attributes_type": "expected a table",
    "missing": "this option is required",
}


def _expectation(kind: str, message: str) -> str:
    """Return pydantic's message in the words of this page."""
    text = message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return _PLAIN.get(kind) or text.replace("Input should be ", "expected ", 1)


def _finding(detail: Any, value: Any, *, show: bool) -> str:
    """Return what was found, if it may be shown, and the expected word nearest to it."""
    if detail["type"] == "missing":
        return ""
    may_show = show and not (isinstance(value, str) and "@" in value)  # an address may hold a password
    expected = detail.get("ctx", {}).get("expected")
    near = did_you_mean(value, re.findall(r"'([^']*)'", expected)) if expected and isinstance(value, str) else ""
    return (f", found {shown(value)}" if may_show else "") + near


def _locate(loc: Place, table: Mapping[str, Any], *, missing: bool) -> tuple[Place, Any]:
    """Return the parts of ``loc`` that stand in the document (pydantic names union branches too), and the value."""
    place: list[str | int] = []
    value: Any = table
    for index, part in enumerate(loc):
        last = index == len(loc) - 1
        if (isinstance(value, Mapping) and part in value) or (
            isinstance(value, list) and isinstance(part, int) and part < len(value)
        ):
            place.append(part)
            value = value[part]  # type: ignore[index]
        elif missing and last:
            place.append(part)
    return tuple(place), value


def option_names(model: type[BaseModel] | None) -> Iterator[str]:
    """Yield the options of a model by the names that TOML uses."""
    for name, field in (model.model_fields if model else {}).items():
        yield field.alias or name


def _model_at(model: type[BaseModel] | None, place: Place) -> type[BaseModel] | None:
    """Return the model of the table that stands at ``place`` within a table of ``model``."""
    for part in place:
        if isinstance(part, int) or model is None:
            continue
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        model = next(_models(fields[part].annotation), None) if part in fields else None
    return model


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from _models(inner)
