"""Columns in PostgreSQL's own form come out of the server as they went in."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from postgres import libpq

from stockhook_plugins.stores.sqlalchemy.postgres_array import array, register

NUMBERS = st.integers(-(2**63), 2**63 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.fixture(scope="module")
def server(postgres_server: Any) -> Iterator["psycopg.Connection[Any]"]:
    with postgres_server.database() as url, psycopg.connect(libpq(url), autocommit=True) as connection:
        register(connection)
        yield connection


def columns(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """Return columns with and without None, and such where few values come again and again."""
    rows = values | st.none()
    few = st.lists(rows, min_size=1, max_size=4).flatmap(lambda some: st.lists(st.sampled_from(some), min_size=1))
    return st.lists(rows, min_size=1) | few


@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(columns(NUMBERS) | columns(TEXTS) | columns(st.binary()))
def test_a_column_comes_back_as_it_was_but_for_nul(server: "psycopg.Connection[Any]", values: list[Any]) -> None:
    kinds = {int: "bigint", str: "text", bytes: "bytea"}
    kind = kinds[type(next((one for one in values if one is not None), ""))]
    row = server.execute(f"SELECT CAST(%s AS {kind}[])", [array(values)]).fetchone()
    assert row is not None
    assert row[0] == [one.replace("\0", "\ufffd") if isinstance(one, str) else one for one in values]


@pytest.mark.parametrize("kind", ["bigint", "text", "bytea"])
def test_a_column_of_nothing_but_none_is_of_any_kind(server: "psycopg.Connection[Any]", kind: str) -> None:
    assert server.execute(f"SELECT CAST(%s AS {kind}[])", [array([None, None])]).fetchone() == ([None, None],)


def test_a_number_that_does_not_fit_is_refused() -> None:
    with pytest.raises(OverflowError, match="does not fit"):
        array([1, 2**63])
    with pytest.raises(OverflowError, match="does not fit"):
        array([None, -(2**63) - 1])


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        array(["\ud800"])
