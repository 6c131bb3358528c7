"""What the tests of the status page share."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPResponse

from stockhook.testing.pages import Pages, open_pages

Ask = Callable[..., Awaitable[HTTPResponse]]


@pytest.fixture
def pages(tmp_path: Path) -> Pages:
    return open_pages(tmp_path)


@pytest.fixture
def ask(http_client: AsyncHTTPClient, base_url: str) -> Ask:
    """Ask for an address and return the answer, whatever its status; ``form`` makes it a POST that is followed."""

    async def fetch(address: str, form: dict[str, str] | None = None, **more: Any) -> HTTPResponse:
        if form is not None:
            more = {"method": "POST", "body": urlencode(form), **more}
        return await http_client.fetch(base_url + address, raise_error=False, **more)

    return fetch
