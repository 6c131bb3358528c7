"""The description of the API, and the page that shows it."""

import json
import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from described import DESCRIPTION
from jsonschema import Draft202012Validator
from tornado.web import Application

from stockhook.operations import locations
from stockhook.testing.pages import Pages
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


def asked_in_readme() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the address below the API of every request that README shows, and how it is sent."""
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    block = re.findall(r"^```\n(api=.*?)^```", readme, flags=re.DOTALL | re.MULTILINE)[0]
    for written in re.findall(r"^curl .*(?:\n  .*)*", block, flags=re.MULTILINE):
        words = shlex.split(written.replace("\\\n", " "), comments=True)[1:]
        address = next(word for word in words if word.startswith("$api/"))
        options = [(name, value) for name, value in pairwise(words) if name.startswith("-")]
        headers = [value.partition(": ")[::2] for name, value in options if name == "-H"]
        body = next((value for name, value in options if name == "-d"), None)
        how: dict[str, Any] = {"headers": dict(headers)}
        if body is not None or ("-X", "POST") in options:
            how |= {"method": "POST", "body": body or ""}
        yield address.removeprefix("$api"), how


async def test_what_the_readme_asks_is_answered_where_no_password_is_set(ask: Any, pages: Pages) -> None:
    pages.shop.stock(SOAP=1)
    locations.add(pages.shop.desk, "MAIN/FG")
    seen = []
    for address, how in asked_in_readme():
        assert set(how["headers"]) <= {"Content-Type", "Idempotency-Key"}, "a token that is not known is refused"
        answer = await ask(PREFIX + address, **how)
        seen.append(answer.code)
        nothing_there = answer.code == 404 and re.search(rb"there is no|no unit ever had", answer.body)
        assert answer.code == 200 or nothing_there, (address, answer.code, answer.body)
    assert seen.count(200) >= 4
    assert len(seen) == 8
