"""The description of the API, and the page that shows it."""

import json
import re
from collections.abc import Iterator
from typing import Any

from described import DESCRIPTION
from jsonschema import Draft202012Validator
from tornado.web import Application

from stockhook.web.api.faults import MEANINGS
from stockhook.web.api.handler import Endpoint
from stockhook.web.api.route import PREFIX


def test_every_address_of_the_application_is_described_and_none_besides(app: Application) -> None:
    served = {}
    for rule in app.wildcard_router.rules:
        if rule.target is Endpoint:
            pattern = rule.matcher.regex.pattern.rstrip("$").replace("([^/]+)", "{}").replace("\\", "")
            served[pattern] = {method.lower() for method in rule.target_kwargs["routes"]}
    described = {PREFIX + re.sub(r"\{\w+\}", "{}", path): set(held) for path, held in DESCRIPTION["paths"].items()}
    assert served == described
    assert len(served) > 20


def references(held: Any) -> Iterator[str]:
    if isinstance(held, dict):
        if isinstance(held.get("$ref"), str):
            yield held["$ref"]
        for value in held.values():
            yield from references(value)
    elif isinstance(held, list):
        for value in held:
            yield from references(value)


def test_all_that_the_description_refers_to_is_in_it() -> None:
    for reference in set(references(DESCRIPTION)):
        held = DESCRIPTION
        for part in reference.removeprefix("#/").split("/"):
            assert part in held, reference
            held = held[part]


def test_each_type_is_a_json_schema_with_every_key_required() -> None:
    for name, schema in DESCRIPTION["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        answered = schema.get("additionalProperties") is not False  # bodies may leave something out
        if answered and "properties" in schema:
            assert set(schema["required"]) == set(schema["properties"]), name


def test_operations_have_names_of_their_own_and_say_what_they_do() -> None:
    operations = [held for methods in DESCRIPTION["paths"].values() for held in methods.values()]
    names = [held["operationId"] for held in operations]
    assert len(names) == len(set(names))
    for held in operations:
        assert held["summary"].endswith("."), held["operationId"]
        for parameter in held["parameters"]:
            assert parameter["name"].endswith("_id") or parameter.get("description"), (held["operationId"], parameter)


async def test_the_description_is_served_as_it_is(ask: Any) -> None:
    answer = await ask(f"{PREFIX}/openapi.json")
    assert (answer.code, answer.headers["Content-Type"]) == (200, "application/json")
    assert json.loads(answer.body) == DESCRIPTION
    assert DESCRIPTION["openapi"].startswith("3.1")


async def test_the_reference_page_lists_every_route_type_and_word(ask: Any) -> None:
    answer = await ask("/api")
    page = answer.body.decode()
    assert answer.code == 200
    for path, methods in DESCRIPTION["paths"].items():
        for method in methods:
            assert f"{method.upper()} {PREFIX}{path}" in page
    for name in DESCRIPTION["components"]["schemas"]:
        assert f'id="{name}"' in page
    for word in MEANINGS:
        assert f"urn:stockhook:error:{word}" in page
    missing = set(re.findall(r'href="#([^"]+)"', page)) - set(re.findall(r'id="([^"]+)"', page))
    assert not missing
