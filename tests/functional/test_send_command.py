"""``stockhook send``: files to a running daemon."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from house import TOKEN, House

from stockhook.testing.payloads import envelope, line, order_ship

SHIPPED = "2026-11-02T12:00:00-05:00"


def shipped(order_id: str, *lines: tuple[str, int]) -> bytes:
    return envelope(order_ship(order_id, [line(code, quantity, shipped=SHIPPED) for code, quantity in lines]))


@dataclass(slots=True)
class Listener:
    """What a daemon's listener was sent; it answers with the statuses it is given, then with 200."""

    port: int
    requests: list[tuple[str, dict[str, str], bytes]]
    statuses: list[int]


@pytest.fixture
def listener() -> Iterator[Listener]:
    heard = Listener(0, [], [])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.requests.append((self.path, dict(self.headers), body))
            self.send_response(heard.statuses.pop(0) if heard.statuses else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        heard.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield heard
        server.shutdown()
        thread.join()


def test_files_are_sent_with_the_token_and_each_answer_is_told(house: House, listener: Listener) -> None:
    one, two = house.folder / "one.json", house.folder / "two.json"
    one.write_bytes(b"[]")
    two.write_bytes(b"{}")
    url = f"http://127.0.0.1:{listener.port}"
    assert [row["status"] for row in house.json("send", one, two, "--url", url)] == [200, 200]
    assert [(path, body) for path, _, body in listener.requests] == [
        (f"/webhooks/shop/{TOKEN}", b"[]"),
        (f"/webhooks/shop/{TOKEN}", b"{}"),
    ]
    listener.statuses += [200, 503]
    refused = house.run("send", one, two, "--url", url, "--channel", "shop")
    assert refused.exit_code == 1
    assert "503" in refused.stdout
    assert TOKEN not in refused.output


def test_sending_uses_the_first_of_two_secrets_and_basic_credentials(house: House, listener: Listener) -> None:
    with house.config.open("a") as config:
        config.write(
            f'[channels.second]\nmerchant_id = "X"\ntoken = ["{"a" * 32}", "{"b" * 32}"]\nusername = "u"\n'
            'password = "p"\n'
        )
    body = house.folder / "one.json"
    body.write_bytes(b"[]")
    url = f"http://127.0.0.1:{listener.port}"
    house.done("send", body, "--channel", "second", "--url", url)
    path, headers, _ = listener.requests[0]
    assert path == f"/webhooks/second/{'a' * 32}"
    assert headers["Authorization"] == "Basic dTpw"
    assert "there are several channels; name one" in house.refused("send", body, "--url", url)
    assert "there is no channel 'secnd' in the configuration; did you mean second?" in house.refused(
        "send", body, "--channel", "secnd"
    )


def test_sending_where_no_daemon_is_or_what_is_not_there_is_refused(house: House) -> None:
    body = house.folder / "one.json"
    assert "there is no file" in house.refused("send", body)
    body.write_bytes(b"[]")
    assert "no daemon answers at http://127.0.0.1:1" in house.refused("send", body)
    for url in ("nonsense", "ftp://x", "http://127.0.0.1:99999"):
        assert "is not the address of a daemon" in house.refused("send", body, "--url", url)
