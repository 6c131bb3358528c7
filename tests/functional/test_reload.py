"""A reload by signal while deliveries come in: tokens are rotated and not one request fails."""

import signal
import threading
from collections import Counter

from stockhook.testing.daemon import TOKEN, RunningDaemon
from stockhook.testing.payloads import envelope, order_ship

NEW = "another-token-for-tests-9876543210"


def test_tokens_are_rotated_under_load_without_a_failed_request(daemon: RunningDaemon) -> None:
    answers: Counter[int] = Counter()
    over = threading.Event()

    def send() -> None:
        connection = daemon.connect()
        while not over.is_set():
            connection.request("POST", daemon.path, envelope(order_ship("D-1", [])))
            answer = connection.getresponse()
            answer.read()
            answers[answer.status] += 1
        connection.close()

    sender = threading.Thread(target=send)
    sender.start()
    reloads = 0
    try:
        daemon.until(lambda: answers[200] > 20, what="deliveries to be answered")
        config = daemon.config.read_text(encoding="utf-8")
        for token in (f'["{NEW}", "{TOKEN}"]', f'["{TOKEN}", "{NEW}"]'):
            daemon.config.write_text(config.replace(f'token = "{TOKEN}"', f"token = {token}"), encoding="utf-8")
            daemon.signal(signal.SIGHUP)
            reloads += 1
            daemon.until(lambda n=reloads: len(daemon.logged("reloaded")) == n, what="the reload")  # type: ignore[misc]
        assert daemon.post(b"{}", f"/webhooks/shop/{NEW}").status == 200
        daemon.config.write_text("[channels", encoding="utf-8")
        daemon.signal(signal.SIGHUP)
        daemon.until(lambda: daemon.logged("reload refused, the old configuration stays"), what="the refusal")
    finally:
        over.set()
        sender.join()
    assert answers.keys() == {200}
    daemon.config.write_text(config.replace(TOKEN, NEW), encoding="utf-8")
    daemon.signal(signal.SIGHUP)
    daemon.until(lambda: daemon.post(b"{}").status == 404, what="the old token to be refused")
    assert daemon.post(b"{}", f"/webhooks/shop/{NEW}").status == 200
    written = "\n".join(map(str, daemon.lines))
    assert TOKEN not in written
    assert NEW not in written
