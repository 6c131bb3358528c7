"""The reference page: the description of the API as a person reads it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from stockhook.web.api.document import document
from stockhook.web.api.route import PREFIX
from stockhook.web.api.routes import ROUTES
from stockhook.web.page import Page, Values

_METHODS: Final = ("get", "post")


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter, or a value by name; ``kind`` is its type in words, ``schema`` the one it leads to, if any."""

    name: str
    kind: str
    schema: str | None
    text: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One route."""

    name: str
    method: str
    path: str
    summary: str
    text: str
    parameters: tuple[Field, ...]
    body: Field | None
    answer: Field


class ReferencePage(Page):
    """What the API offers."""

    async def get(self) -> None:
        """Show it."""
        root = {"root": self.site.settings.server.path_prefix}
        await self.show("api.html", lambda _view: {**reference(), **root})


@cache
def reference() -> Values:
    """Return what the page shows, all of it out of the description."""
    held = document(ROUTES)
    nouns: dict[str, list[Operation]] = {}
    for path, methods in held["paths"].items():
        for method in _METHODS:
            if method in methods:
                nouns.setdefault(methods[method]["tags"][0], []).append(_operation(path, method, methods[method]))
    schemas = {name: (schema.get("description", ""), tuple(_fields(schema))) for name, schema in _schemas(held)}
    introduction, *words = held["info"]["description"].split("\n")
    return {
        "introduction": introduction,
        "words": [word.removeprefix("- ") for word in words if word],
        "nouns": nouns,
        "schemas": schemas,
        "address": f"{PREFIX}/openapi.json",
    }


def _schemas(held: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return sorted(held["components"]["schemas"].items())


def _operation(path: str, method: str, told: Mapping[str, Any]) -> Operation:
    body = told.get("requestBody")
    media, content = next(iter(told["responses"]["200"]["content"].items()))
    return Operation(
        told["operationId"],
        method.upper(),
        PREFIX + path,
        told["summary"],
        told.get("description", ""),
        tuple(_field(each["name"], each["schema"], each.get("description"), each["in"]) for each in told["parameters"]),
        _field("body", body["content"]["application/json"]["schema"]) if body else None,
        _field(media, content["schema"]),
    )


def _fields(schema: Mapping[str, Any]) -> Iterator[Field]:
    for value in schema.get("enum", ()):
        yield Field(str(value), "value", None, "")
    required = schema.get("required", ())
    for name, each in schema.get("properties", {}).items():
        yield _field(name, each, None, "" if name in required else "may be left out")


def _field(name: str, schema: Mapping[str, Any], text: str | None = None, where: str = "") -> Field:
    kind, leads = _kind(schema)
    return Field(name, kind, leads, text or schema.get("description", ""), where)


def _kind(schema: Mapping[str, Any]) -> tuple[str, str | None]:
    """Return a type in words, and the name of the schema that tells more."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return name, name
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        found = [_kind(choice) for choice in choices]
        return " or ".join(kind for kind, _ in found), next((leads for _, leads in found if leads), None)
    if schema.get("type") == "array":
        kind, leads = _kind(schema["items"]) if schema.get("items") else ("anything", None)
        return f"list of {kind}", leads
    if "enum" in schema:
        return " or ".join(str(value) for value in schema["enum"]), None
    return str(schema.get("title") or schema.get("format") or schema.get("type") or "anything"), None
