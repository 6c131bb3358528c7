"""Odd requests to every route: whatever is sent, the answer is as described, and never an error of ours."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from described import DESCRIPTION, check
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tornado.httpclient import AsyncHTTPClient
from tornado.ioloop import IOLoop
from tornado.web import Application

from stockhook.testing.pages import Pages, open_pages
from stockhook.testing.store_finding import fill
from stockhook.web.api.route import PREFIX

ROUTES = [(method, path) for path, methods in DESCRIPTION["paths"].items() for method in methods]
KNOWN = ["1", "2", "3", "SOAP", "soap", "SET", "x", "MAIN/FG", "ultracart:DEMO", "A", "B", "C", "0", "L1", "-1"]
ODD = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    ["", "\0", "%", "%00", "../..", "0" * 30, "9" * 30, "1e999", "NaN", "null", "true", "2026-12-01", "\u202e",
     "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00", "2026-02-30T00:00:00Z", "'; DROP TABLE event; --",
     "WyJFdmVudCIsOV0", "W10", "W251bGxd"]
)  # fmt: skip
VALUE = st.sampled_from(KNOWN) | ODD
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | VALUE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(VALUE, inner, max_size=3),
    max_leaves=5,
)


@pytest.fixture
def pages(tmp_path: Path, empty_database: Path) -> Pages:
    """On SQLite, which minds what it is given more than dicts do."""
    path = tmp_path / "stockhook.db"
    path.write_bytes(empty_database.read_bytes())
    return open_pages(tmp_path, store=f'[store]\ntype = "sqlalchemy"\nurl = "sqlite:///{path}"\n')


@pytest.fixture
def app(pages: Pages) -> Application:
    fill(pages.settings.store)
    return pages.application()


SIMPLE: dict[str | None, st.SearchStrategy[Any]] = {
    "integer": st.integers(-1, 4) | st.integers(),
    "boolean": st.booleans(),
    "null": st.none(),
    "string": st.sampled_from([*KNOWN, "0.5", "0.000001", "999999999", "2026-12-01T00:00:00Z", "2027-03-31"]) | ODD,
    None: JSON,
}


def fitting(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return values that are as described by their type, if not by what they say."""
    if "$ref" in schema:
        return fitting(DESCRIPTION["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return st.one_of([fitting(choice) for choice in choices])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema.get("type") == "array":
        return st.lists(fitting(schema["items"]), max_size=3)
    if schema.get("type") == "object":
        properties = {name: fitting(each) for name, each in schema.get("properties", {}).items()}
        needed = {name: properties.pop(name) for name in schema.get("required", ())}
        return st.fixed_dictionaries(needed, optional=properties)
    return SIMPLE[schema.get("type")]


@st.composite
def requests(draw: st.DrawFn, method: str, path: str) -> tuple[str, bytes | None, dict[str, str]]:
    """Return an address, a body and headers for a route."""
    operation = DESCRIPTION["paths"][path][method]
    address = path
    query = {}
    for parameter in operation["parameters"]:
        if parameter["in"] == "path":
            written = draw(st.sampled_from(KNOWN) | ODD.filter(bool))
            address = address.replace("{" + parameter["name"] + "}", quote(written, safe=""))
        elif parameter["in"] == "query" and draw(st.integers(0, 3)) == 0:
            query[parameter["name"]] = str(draw(fitting(parameter["schema"])))
    if draw(st.integers(0, 9)) == 0:
        query[draw(VALUE)] = draw(VALUE)
    address = f"{PREFIX}{address}" + (f"?{urlencode(query)}" if query else "")
    if method == "get":
        return address, None, {}
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    body = draw(
        st.one_of(fitting(schema), fitting(schema), JSON).map(lambda held: json.dumps(held).encode())
        | st.binary(max_size=20)
    )
    key = {"Idempotency-Key": draw(st.sampled_from(["a", "b", "c"]))} if draw(st.integers(0, 3)) == 0 else {}
    return address, body, {"Content-Type": "application/json", **key}


@pytest.mark.parametrize(("method", "path"), ROUTES, ids=[f"{method}-{path}" for method, path in ROUTES])
def test_no_odd_request_is_an_error_of_ours(
    io_loop: IOLoop, http_client: AsyncHTTPClient, base_url: str, method: str, path: str
) -> None:
    @settings(
        max_examples=15,
        deadline=None,
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
        suppress_health_check=[*HealthCheck],
    )
    @given(asked=requests(method, path))
    def sweep(asked: tuple[str, bytes | None, dict[str, str]]) -> None:
        address, body, headers = asked
        answer = io_loop.run_sync(
            lambda: http_client.fetch(
                base_url + address, method=method.upper(), body=body, headers=headers, raise_error=False
            )
        )
        assert answer.code < 500, f"{method} {address} {body!r}: {answer.body[:500]!r}"
        check(method, address, answer)

    sweep()
