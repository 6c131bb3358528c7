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


@settings(deadline=None, max_examples=100, suppress_health_check=list(HealthCheck))
@given(st.lists(NUMBERS | st.none(), min_size=1) | st.lists(TEXTS | st.none(), min_size=1))
def test_a_column_comes_back_as_it_was_but_for_nul(server: "psycopg.Connection[Any]", values: list[Any]) -> None:
    kind = "bigint" if isinstance(next((one for one in values if one is not None), None), int) else "text"
    row = server.execute(f"SELECT CAST(%s AS {kind}[])", [array(values)]).fetchone()
    assert row is not None
    assert row[0] == [one.replace("\0", "\ufffd") if isinstance(one, str) else one for one in values]


def test_bytes_are_left_to_the_driver(server: "psycopg.Connection[Any]") -> None:
    row = server.execute("SELECT CAST(%s AS bytea[])", [array([b"\0\xff", None])]).fetchone()
    assert row == ([b"\0\xff", None],)


def test_a_number_that_does_not_fit_is_refused() -> None:
    with pytest.raises(OverflowError, match="does not fit"):
        array([1, 2**63])
    with pytest.raises(OverflowError, match="does not fit"):
        array([None, -(2**63) - 1])


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        array(["\ud800"])
