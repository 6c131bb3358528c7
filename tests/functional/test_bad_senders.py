"""Who may send, where to and how: everybody else is refused, and nothing of theirs is stored.

The rows are reliability.md (a) 41 and 44.
"""

import base64

import pytest

from stockhook.testing.daemon import TOKEN
from stockhook.testing.sender import (
    PATH,
    Sender,
    head,
    read_answer,
    request,
    shipment,
    status,
)

MEBIBYTE = 2**20
LIMIT = 10 * MEBIBYTE
GOOD = shipment()

pytestmark = pytest.mark.usefixtures("unharmed")


# Who, where, how


@pytest.mark.parametrize(
    "path",
    [
        "/webhooks/shop/",
        "/webhooks/shop",
        f"/webhooks/shop/{TOKEN}x",
        f"/webhooks/shop/{TOKEN[:-1]}",
        f"/webhooks/shop/{TOKEN}/",
        f"/webhooks/shop/%61{TOKEN[1:]}",
        f"/webhooks/SHOP/{TOKEN}",
        f"/webhooks/other/{TOKEN}",
        f"//webhooks/shop/{TOKEN}",
        f"/webhooks/../webhooks/shop/{TOKEN}",
        f"/webhooks/shop/{'x' * 12_000}",
        "/webhooks/shop/\xff\xfe",
        "/webhooks/shop/..",
        f"http://stock.example.com/webhooks/shop/{TOKEN}",
        "*",
        "/",
        "/metrics",
        "/events",
        "/api/v1/events",
    ],
)
def test_another_path_is_404_and_nothing_is_stored(sender: Sender, path: str) -> None:
    before = sender.deliveries()
    body = shipment()
    assert status(sender.exchange(head("POST", path, f"Content-Length: {len(body)}") + body)) == 404
    assert sender.deliveries() == before


def test_a_query_behind_the_token_is_ignored(sender: Sender) -> None:
    assert sender.daemon.post(shipment(), f"{PATH}?source=ultracart").status == 200


CREDENTIALS = {
    "missing": None,
    "empty": "",
    "only the scheme": "Basic",
    "not base64": "Basic !!!!",
    "no colon": "Basic " + base64.b64encode(b"ultracart").decode(),
    "another password": "Basic " + base64.b64encode(b"ultracart:wrong").decode(),
    "another user": "Basic " + base64.b64encode(b"root:correct horse battery").decode(),
    "an empty password": "Basic " + base64.b64encode(b"ultracart:").decode(),
    "more than the password": "Basic " + base64.b64encode(b"ultracart:correct horse battery staple").decode(),
    "another scheme": "Bearer " + base64.b64encode(b"ultracart:correct horse battery").decode(),
    "garbage": "\xff\xfe\x01",
    "ten thousand bytes": "Basic " + base64.b64encode(b"ultracart:" + b"x" * 7_500).decode(),
}


@pytest.mark.parametrize("given", CREDENTIALS.values(), ids=CREDENTIALS.keys())
@pytest.mark.parametrize("field", ["Authorization", "X-Authorization-Basic"])
def test_wrong_credentials_are_401_and_nothing_is_stored(sender: Sender, given: str | None, field: str) -> None:
    before = sender.deliveries()
    body = shipment()
    fields = [f"Content-Length: {len(body)}", *([] if given is None else [f"{field}: {given}"])]
    answer = sender.exchange(head("POST", f"/webhooks/guarded/{TOKEN}", *fields) + body)
    assert status(answer) in ((401, 400) if given == CREDENTIALS["garbage"] else (401,))
    assert sender.deliveries() == before


def test_the_right_credentials_are_taken_and_not_kept(sender: Sender) -> None:
    written = "Basic " + base64.b64encode(b"ultracart:correct horse battery").decode()
    fields = {"Authorization": written, "X-Authorization-Basic": written, "Cookie": "a=b", "X-Kept": "yes"}
    assert sender.daemon.post(shipment(), f"/webhooks/guarded/{TOKEN}", fields).status == 200
    kept = {name.lower(): value for name, value in sender.newest().headers}
    assert kept["x-kept"] == "yes"
    assert not {"authorization", "x-authorization-basic", "cookie"} & kept.keys()


def test_credentials_over_the_size_of_all_headers_are_refused(sender: Sender) -> None:
    before = sender.deliveries()
    answer = sender.exchange(head("POST", f"/webhooks/guarded/{TOKEN}", "Authorization: Basic " + "QQ" * 20_000))
    assert status(answer) in (0, 400, 431)
    assert sender.deliveries() == before


def test_a_thousand_failures_do_not_shut_the_right_one_out(sender: Sender) -> None:
    connection = sender.daemon.connect()
    for _ in range(1000):
        connection.request("POST", f"/webhooks/shop/{'x' * 40}", b"{}")
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 404
    connection.request("POST", PATH, shipment())
    assert connection.getresponse().status == 200
    connection.close()


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_another_method_is_405_and_names_the_right_one(sender: Sender, method: str) -> None:
    before = sender.deliveries()
    answer = sender.exchange(head(method, PATH, "Content-Length: 2") + b"{}")
    assert status(answer) == 405
    assert b"\r\nAllow: POST\r\n" in answer
    assert sender.deliveries() == before


@pytest.mark.parametrize(("path", "expected"), [(PATH, 405), ("/", 404), ("/healthz", 200)])
def test_an_answer_to_head_has_no_body_and_the_connection_goes_on(sender: Sender, path: str, expected: int) -> None:
    with sender.connect() as connection:
        connection.sendall(head("HEAD", path))
        data = b""
        while not data.endswith(b"\r\n\r\n"):
            data += connection.recv(65536)
        assert status(data) == expected
        connection.sendall(request(shipment()))
        assert status(read_answer(connection)) == 200
