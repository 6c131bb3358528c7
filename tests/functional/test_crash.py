"""Killed, stopped and started again under load: what was acknowledged is there, and all of it is booked once."""

import signal
import socket
import time
from urllib.parse import urlsplit

import pytest
from promises import check, finish
from sizes import seeds, times
from traffic import Traffic

from stockhook.model import Delivery, Order
from stockhook.testing.daemon import RunningDaemon
from stockhook.testing.payloads import envelope, line, order_ship

KILLS = times(5, 8)
SHIPPED = "2026-11-01T12:00:00-05:00"


@pytest.fixture
def traffic(daemon: RunningDaemon) -> Traffic:
    return Traffic((daemon,)).stock_up()


@pytest.mark.parametrize("seed", seeds(1, 25))
def test_killed_at_random_moments_it_loses_nothing_acknowledged_and_doubles_nothing(
    seed: int, daemon: RunningDaemon
) -> None:
    traffic = Traffic((daemon,), seed).stock_up()
    for _ in range(KILLS):
        with traffic.flowing():
            time.sleep(traffic.chance.uniform(0.02, 0.5))
            daemon.kill()
        daemon.start()
        check(traffic)
    finish(traffic)
    assert traffic.answers.keys() == {200}
    assert len(traffic.acknowledged) > 20


def stored(daemon: RunningDaemon) -> int:
    """Return how many deliveries are stored."""
    with daemon.desk() as desk, desk.store.read() as view:
        return sum(total.count for total in view.totals(Delivery))


def test_stopped_under_load_it_answers_in_full_ends_well_and_keeps_all_it_acknowledged(traffic: Traffic) -> None:
    daemon = traffic.daemon
    for _ in range(times(2, 50)):
        with traffic.flowing():
            time.sleep(traffic.chance.uniform(0.2, 0.5))
            began = time.monotonic()
            assert daemon.terminate() == 0
            assert time.monotonic() - began < 30
        assert traffic.answers.keys() <= {200, 503}
        # one more stored is an answer that was cut off, or a 503 for what was kept; a request not read is not stored
        assert stored(daemon) == traffic.answers[200]
        # a sender may find the connection closed before its next request, but never in the middle of an answer
        assert traffic.broken.keys() <= {
            "RemoteDisconnected", "ConnectionResetError", "BrokenPipeError", "ConnectionRefusedError",
        }  # fmt: skip
        assert not [each for each in daemon.lines if each["level"] in ("error", "critical")]
        assert daemon.logged("stopped")
        daemon.start()
    finish(traffic)


def test_a_request_half_sent_when_the_daemon_is_stopped_is_still_answered(daemon: RunningDaemon) -> None:
    body = envelope(order_ship("D-1", [line("SOAP", 1, shipped=SHIPPED)]))
    where = urlsplit(daemon.server)
    with socket.create_connection((str(where.hostname), int(where.port or 0)), timeout=60) as connection:
        head = f"POST {daemon.path} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(65536) == b"HTTP/1.1 100 (Continue)\r\n\r\n"
        connection.sendall(body[:100])
        daemon.signal(signal.SIGTERM)
        daemon.until(lambda: daemon.logged("stopping"))
        time.sleep(0.2)
        connection.sendall(body[100:])
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nConnection: close\r\n" in answer
    assert daemon.wait() == 0
    with daemon.desk() as desk, desk.store.read() as view:
        assert len(view.due(desk.clock.now(), 10).deliveries) + len(view.find(Order)) == 1


def test_a_second_daemon_on_the_same_store_is_refused_with_a_sentence(daemon: RunningDaemon) -> None:
    refused = daemon.stockhook("serve", code=1)
    assert refused.err.startswith("Error: ")
    assert "Traceback" not in refused.err
    assert str(daemon.folder / "stockhook.db") in refused.err
    assert daemon.post(envelope(order_ship("D-1", [line("SOAP", 1)]))).status == 200


def test_an_address_in_use_is_refused_with_a_sentence(
    daemon: RunningDaemon, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = RunningDaemon(tmp_path_factory.mktemp("other"))
    taken = urlsplit(daemon.server).netloc
    config = other.config.read_text(encoding="utf-8").replace("127.0.0.1:0", taken, 1)
    other.config.write_text(config, encoding="utf-8")
    refused = other.stockhook("serve", code=1)
    assert refused.err.startswith("Error: cannot listen")
    assert taken in refused.err
    assert "Traceback" not in refused.err
