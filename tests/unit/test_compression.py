import runpy
import sys
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockhook import compression
from stockhook.compression import compressed

PAYLOAD = b'{"events":[' + b",".join(b'{"order_id":"DEMO-%08d","quantity":3}' % n for n in range(5000)) + b"]}"


@given(st.binary(max_size=5000))
def test_what_is_compressed_can_be_read_as_zlib(body: bytes) -> None:
    assert zlib.decompress(compressed(body)) == body
    assert compressed(memoryview(body)) == compressed(body)


def test_a_payload_becomes_about_as_small_as_zlib_would_make_it() -> None:
    assert len(compressed(PAYLOAD)) < 1.1 * len(zlib.compress(PAYLOAD, 1))


def test_where_isal_is_not_made_for_the_machine_zlib_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "isal.isal_zlib", None)
    alone = runpy.run_path(compression.__file__)
    assert alone["compress"] is zlib.compress
    assert zlib.decompress(alone["compressed"](PAYLOAD)) == PAYLOAD
