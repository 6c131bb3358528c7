"""The description of the API, OpenAPI 3.1, made from the routes and their types."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any, Final

import msgspec

from stockhook import __version__
from stockhook.web.api.faults import MEANINGS, TYPE, Fault
from stockhook.web.api.handler import FILE, KEY, LONGEST_KEY
from stockhook.web.api.route import Route
from stockhook.web.program import PROBLEM

_SCHEMAS: Final = "#/components/schemas/{name}"

_INTRODUCTION: Final = (
    "What the pages and commands of stockhook show and do, for programs. Quantities and costs are decimal strings; "
    "times are RFC 3339 in UTC; dates are YYYY-MM-DD; ids are integers; what is absent is null, and all keys are "
    "always there. Lists come newest first, a page at a time: give `next` as `cursor` to go on. Whatever goes wrong is "
    "told as problem details (RFC 9457), whose `type` is one of:\n\n"
)

_READING: Final = (400, 401, 403, 404, 405, 422, 500, 503)
_ACTING: Final = (*_READING, 409, 413, 415)

_KEY: Final = {
    "name": KEY,
    "in": "header",
    "required": False,
    "description": f"A word of your own for this request, at most {LONGEST_KEY} characters: sent again with it within "
    "24 hours, the request is not done again, and its first answer comes back.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
}


_CSV: Final = {"text/csv": {"schema": {"type": "string"}}}
_FILE: Final = {FILE: {"schema": {"type": "string", "contentMediaType": FILE}}}


@cache
def document(routes: Sequence[Route]) -> Mapping[str, Any]:
    """Return the description of these routes."""
    kinds = _kinds(routes)
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_SCHEMAS)
    of_kind = {id(kind): schema for kind, schema in zip(kinds, schemas, strict=True)}
    sheets = {route.path.removesuffix(".csv") for route in routes if route.download}
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        told = _operation(route, of_kind, components)
        if route.method == "GET" and route.path in sheets:
            _tell_of_csv(told, route.path)
        paths.setdefault(route.path, {})[route.method.lower()] = told
    queries = {_name(of_kind[id(route.takes[name])]) for route in routes for name in route.in_query}
    return {
        "openapi": "3.1.0",
        "info": {"title": "stockhook", "version": __version__, "description": _INTRODUCTION + _words()},
        "servers": [{"url": "../v1"}],
        "security": [{"token": []}],
        "tags": [{"name": noun} for noun in dict.fromkeys(route.noun for route in routes)],
        "paths": paths,
        "components": {
            "schemas": {name: _told(schema) for name, schema in components.items() if name not in queries},
            "responses": {str(status): _problem(status) for status in _ACTING},
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of [[admin.tokens]]: GET wants the scope read, POST write. Where no "
                    "password is set, none is asked for.",
                }
            },
        },
    }


def _told(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema with what its docstring says as Markdown has it, in lines as long as they like."""
    if "description" not in schema:
        return schema
    paragraphs = schema["description"].replace("``", "`").split("\n\n")
    return schema | {"description": "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)}


def _kinds(routes: Iterable[Route]) -> list[Any]:
    found: list[Any] = [Fault]
    for route in routes:
        found += [route.takes[name] for name in (*route.in_path, *route.in_query)]
        found += [route.body] if route.body is not None else []
        found += [] if route.download or route.file else [route.returns]
    return found


def _operation(route: Route, of_kind: Mapping[int, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    summary, more = route.words
    acts = route.method == "POST"
    parameters = [_in_path(name, of_kind[id(route.takes[name])]) for name in route.in_path]
    for name in route.in_query:
        schema = components[_name(of_kind[id(route.takes[name])])]
        parameters += [_in_query(each, held) for each, held in schema["properties"].items()]
    found: dict[str, Any] = {"operationId": route.name, "tags": [route.noun], "summary": summary}
    found |= {"description": more} if more else {}
    found["parameters"] = [*parameters, *([_KEY] if acts else [])]
    if route.body is not None:
        content = {"application/json": {"schema": of_kind[id(route.body)]}}
        found["requestBody"] = {"required": True, "content": content}
    held = _CSV if route.download else _FILE if route.file else _json(of_kind[id(route.returns)])
    failing = {str(status): {"$ref": f"#/components/responses/{status}"} for status in (_ACTING if acts else _READING)}
    found["responses"] = {"200": {"description": "As asked.", "content": held}, **dict(sorted(failing.items()))}
    return found


def _tell_of_csv(told: dict[str, Any], path: str) -> None:
    """Add that a list is answered as CSV as well."""
    words = (
        f"With `Accept: text/csv` all of it comes as CSV, as from `{path}.csv`; `limit` and `cursor` are not for that."
    )
    told["description"] = f"{told['description']}\n\n{words}" if "description" in told else words
    told["responses"]["200"]["content"] |= _CSV


def _in_path(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in schema.items() if key != "description"}
    told = {"description": schema["description"]} if "description" in schema else {}
    return {"name": name, "in": "path", "required": True, **told, "schema": kept}


def _in_query(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a query parameter, which is never null: it is left out instead."""
    kept = {key: value for key, value in schema.items() if key not in {"description", "anyOf"}}
    if kept.get("default", 0) is None:
        del kept["default"]
    for one in schema.get("anyOf", ()):
        kept |= {} if one == {"type": "null"} else one
    told = {"description": schema["description"]} if "description" in schema else {}
    return {"name": name, "in": "query", "required": False, **told, "schema": kept}


def _json(schema: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _problem(status: int) -> dict[str, Any]:
    known = [f"`{word}`: {meaning}" for word, (of, meaning) in MEANINGS.items() if of == status]
    content = {PROBLEM: {"schema": {"$ref": _SCHEMAS.format(name="Fault")}}}
    return {"description": " ".join(known) or HTTPStatus(status).phrase, "content": content}


def _words() -> str:
    return "\n".join(f"- `{TYPE}{word}` ({status.value}): {meaning}" for word, (status, meaning) in MEANINGS.items())


def _name(schema: Mapping[str, Any]) -> str:
    return str(schema["$ref"]).rpartition("/")[2]
