"""The composition root in process: what a reload changes, what the probes say, how a broken loop ends."""

import asyncio
import gc
import re
import socket
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from daemon_house import NEW, OLD, House, get, house_at, post, probes, raising
from ports import free_port
from structlog.testing import capture_logs

from stockhook import daemon as composed
from stockhook import settings
from stockhook.daemon import Daemon
from stockhook.errors import Refused, StoreBroken, StoreUnavailable
from stockhook.store import Arrival
from stockhook.testing import factories
from stockhook.testing.pages import GUARDED


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    return house_at(tmp_path, monkeypatch)


async def test_what_the_daemon_answered_and_committed_is_scraped(house: House) -> None:
    async with house.running() as daemon:
        for token in (OLD, OLD, NEW):
            await post(daemon, token)
        for address in daemon.addresses.values():
            await get(f"{address}/readyz")
        metrics = daemon.addresses["admin"] + "/metrics"
        while b'stockhook_events_total{channel="shop",state="parked"} 2' not in (text := (await get(metrics))[1]):
            await asyncio.sleep(0.02)
        assert (await get(daemon.addresses["server"] + "/metrics"))[0] == 404
    found = dict(line_.rsplit(" ", 1) for line_ in text.decode().splitlines() if not line_.startswith("#"))
    assert found['stockhook_intake_requests_total{outcome="stored"}'] == "2.0"
    assert found['stockhook_intake_requests_total{outcome="unknown-target"}'] == "1.0"
    assert found['stockhook_intake_requests_total{outcome="try-again"}'] == "0.0"
    assert found["stockhook_intake_commit_deliveries_sum"] == "2.0"
    assert found["stockhook_intake_commit_seconds_count"] == "2.0"
    assert found["stockhook_ready"] == "1.0"
    assert OLD not in text.decode()
    assert NEW not in text.decode()


async def test_a_reload_takes_new_secrets_and_the_log_level(house: House) -> None:
    async with house.running() as daemon:
        house.write([NEW], '[log]\nlevel = "debug"\n')
        assert [await post(daemon, OLD), await post(daemon, NEW)] == [200, 404]
        daemon.reload()
        assert [await post(daemon, OLD), await post(daemon, NEW)] == [404, 200]
        assert house.levels[-1] == "debug"
    assert house.code == 0


async def test_while_a_token_is_replaced_both_are_taken(house: House) -> None:
    async with house.running() as daemon:
        house.write([NEW, OLD])
        daemon.reload()
        assert [await post(daemon, OLD), await post(daemon, NEW)] == [200, 200]


async def test_a_reload_of_a_bad_configuration_keeps_the_old_one_and_says_why(house: House) -> None:
    async with house.running() as daemon:
        house.write([NEW], "[sever]\n")
        with capture_logs() as logs:
            daemon.reload()
        (line_,) = [each for each in logs if each["log_level"] == "error"]
        assert any("sever" in problem for problem in line_["problems"])
        assert [await post(daemon, OLD), await post(daemon, NEW)] == [200, 404]


async def test_a_reload_that_raises_anything_at_all_is_over_and_said_to_have_failed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    async with house.running() as daemon:
        monkeypatch.setattr(daemon.systemd, "_send", told.append)
        with monkeypatch.context() as patch, capture_logs() as logs:
            patch.setattr("stockhook.daemon.configured.load", raising(RuntimeError("a plugin of somebody's")))
            daemon.reload()
        assert [each["event"] for each in logs] == ["reload failed, the old configuration stays"]
        assert told[0].startswith("RELOADING=1\n")
        assert told[1].startswith("READY=1\nSTATUS=listening on http://127.0.0.1:")
        assert told[1].endswith(", the last reload failed: see the log")
        assert await post(daemon, OLD) == 200
        daemon.reload()
        assert "failed" not in told[3]


async def test_a_watcher_that_the_store_does_not_answer_fails_health(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answers = threading.Event(), threading.Event()

    def wait(_seconds: float) -> bool:
        asked.set()
        assert answers.wait(60)
        return False

    async with house.running() as daemon:
        monkeypatch.setattr(daemon.settings.store, "wait", wait)
        try:
            assert await asyncio.to_thread(asked.wait, 60)  # before that the watcher notes that all is well
            monkeypatch.setattr(daemon, "_watched", time.monotonic() - 22)
            assert await get(daemon.addresses["server"] + "/healthz") == (503, b"store blocked\n")
        finally:
            answers.set()


async def test_a_notice_leads_to_its_problem_and_the_daily_word_to_the_first_page(house: House) -> None:
    async with house.running() as daemon:
        admin = daemon.addresses["admin"]
        assert daemon._link(factories.notice(7)) == f"{admin}/problems/7"
        assert daemon._link(factories.notice(0, kind="summary", about="summary")) == f"{admin}/"
        assert daemon._link(factories.notice(0, about="more")) == f"{admin}/problems?kind=unknown-item"


async def test_a_channel_that_is_new_waits_for_a_restart(house: House) -> None:
    async with house.running() as daemon:
        house.write(more=f'[channels.other]\nmerchant_id = "OTHER"\ntoken = "{NEW}"\n')
        daemon.reload()
        assert await post(daemon, NEW, "other") == 404


async def test_the_probes_are_well_on_both_listeners(house: House) -> None:
    async with house.running() as daemon:
        assert await probes(daemon) == {"/healthz": 200, "/readyz": 200}


async def test_a_store_that_somebody_else_keeps_fails_readiness_though_nothing_is_sent(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stockhook.intake.TRY", 0.01)
    async with house.running() as daemon:
        with monkeypatch.context() as patch:
            patch.setattr(daemon.settings.store, "append", raising(StoreUnavailable("another process holds it")))
            while await get(daemon.addresses["server"] + "/readyz") != (503, b"store unavailable\n"):
                await asyncio.sleep(0.01)
            assert await probes(daemon) == {"/healthz": 200, "/readyz": 503}
        while (await get(daemon.addresses["server"] + "/readyz"))[0] != 200:
            await asyncio.sleep(0.01)
        assert await probes(daemon) == {"/healthz": 200, "/readyz": 200}


async def test_a_store_that_cannot_store_fails_readiness_until_it_can(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house.running() as daemon:
        with monkeypatch.context() as patch:
            patch.setattr(daemon.settings.store, "append", raising(StoreUnavailable("the disk is full")))
            assert await post(daemon) == 503
            assert await probes(daemon) == {"/healthz": 200, "/readyz": 503}
        assert await post(daemon) == 200
        assert await probes(daemon) == {"/healthz": 200, "/readyz": 200}


async def test_a_writer_that_hangs_fails_health_so_that_systemd_restarts(house: House) -> None:
    async with house.running() as daemon:
        daemon.intake.committing_since = time.monotonic() - 21
        assert await probes(daemon) == {"/healthz": 503, "/readyz": 503}
        assert await get(daemon.addresses["server"] + "/healthz") == (503, b"writer blocked\n")
        daemon.intake.committing_since = None
        assert await probes(daemon) == {"/healthz": 200, "/readyz": 200}


async def test_a_batch_that_never_ends_fails_health_and_a_disk_without_room_readiness(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house.running() as daemon:
        daemon.upkeep.disk_low = True
        assert await probes(daemon) == {"/healthz": 200, "/readyz": 503}
        assert await get(daemon.addresses["server"] + "/readyz") == (503, b"disk low\n")
        assert await post(daemon) == 200  # while there is room, there is no reason to send anybody away
        daemon.upkeep.disk_low = False
        with monkeypatch.context() as patch:
            patch.setattr(daemon, "worker", SimpleNamespace(since=time.monotonic() - composed.WORKING - 1))
            assert await get(daemon.addresses["server"] + "/healthz") == (503, b"worker blocked\n")
        assert await probes(daemon) == {"/healthz": 200, "/readyz": 200}


async def test_pages_that_cannot_be_imported_end_the_daemon_with_code_1(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stockhook.web.app.admin_application", raising(ImportError("no module named jinja2")))
    with capture_logs() as logs:
        assert await asyncio.wait_for(Daemon(settings.load(house.config)).serve(), 50) == 1
    assert [(each["loop"], each["error"]) for each in logs if "loop" in each] == [("pages", "no module named jinja2")]


def break_with_a_delivery(daemon: Daemon, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    """Break the store in one place from the next delivery on; before it, every loop asks the store in its own time."""
    store, fails = daemon.settings.store, raising(StoreBroken("I/O error"))
    append = fails if broken == "append" else store.append

    def appended(arrivals: Sequence[Arrival]) -> list[int]:
        ids: list[int] = append(arrivals) if arrivals else []
        if arrivals:
            monkeypatch.setattr(store, broken, fails)
        return ids

    monkeypatch.setattr(store, "append", appended)


@pytest.mark.parametrize(("broken", "loop"), [("append", "intake"), ("write", "worker"), ("wait", "watcher")])
async def test_a_broken_store_ends_the_daemon_at_once_with_code_1(
    house: House, monkeypatch: pytest.MonkeyPatch, broken: str, loop: str
) -> None:
    began = time.monotonic()
    with capture_logs() as logs:
        async with house.running() as daemon:
            break_with_a_delivery(daemon, monkeypatch, broken)
            assert await post(daemon) == (503 if broken == "append" else 200)
            monkeypatch.setattr(daemon, "stop", lambda: None)  # it has to end by itself
    assert house.code == 1
    assert time.monotonic() - began < 20  # and does not wait for requests that might end
    broke, last = [each for each in logs if each["log_level"] == "critical"]
    assert broke["loop"] == loop
    assert (last["event"], last["error"]) == ("stopped, to be started again", "I/O error")
    assert logs[-1] == last


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
async def test_an_address_in_use_is_named(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        house.write(server=address)
        with pytest.raises(Refused, match=f"cannot listen on {address}: Address already in use"):
            await Daemon(settings.load(house.config)).serve()
    gc.collect()


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
async def test_a_unix_socket_is_listened_on_and_a_file_in_its_place_refused(house: House, tmp_path: Path) -> None:
    place = tmp_path / "http.sock"
    house.write(server=f"unix:{place}")
    async with house.running() as daemon:
        reader, writer = await asyncio.open_unix_connection(str(place))
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await reader.readline()) == b"HTTP/1.1 200 OK\r\n"
        writer.close()
        assert daemon.addresses["server"] == f"unix:{place}"
    place.unlink(missing_ok=True)
    place.write_text("not a socket")
    with pytest.raises(Refused, match="exists and is not a socket"):
        await Daemon(settings.load(house.config)).serve()
    gc.collect()


async def test_systemd_hears_of_start_reload_and_stop_and_is_petted_while_all_is_well(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "150000")

        def heard() -> list[str]:
            messages = []
            while True:
                try:
                    messages.append(manager.recv(4096).decode().split("\n")[0])
                except BlockingIOError:
                    return messages

        def turns() -> list[str]:
            """What it was told but that all is well, and how much waits, which is told now and then."""
            return [each for each in heard() if each != "WATCHDOG=1" and not each.startswith("STATUS=")]

        async with house.running() as daemon:
            told = heard()
            while told.count("WATCHDOG=1") < 2:
                await asyncio.sleep(0.05)
                told += heard()
            assert "READY=1" in told
            daemon.reload()
            assert turns() == ["RELOADING=1", "READY=1"]
            daemon.intake.committing_since = time.monotonic() - 21
            heard()
            await asyncio.sleep(0.3)
            assert "WATCHDOG=1" not in heard()
            daemon.intake.committing_since = None
        assert turns() == ["STOPPING=1"]


async def test_a_daemon_in_shadow_mode_says_so_at_its_start_and_wherever_it_is_looked_at(house: House) -> None:
    house.write(more="[allocation]\nshadow = true\n")
    with capture_logs() as lines:
        async with house.running() as daemon:
            page = (await get(daemon.addresses["admin"]))[1].decode()
            assert daemon._status().endswith(", in shadow mode")
    warned = [entry for entry in lines if entry["log_level"] == "warning"]
    assert [entry["event"] for entry in warned] == ["shadow mode is on: nothing is booked for orders"]
    assert "Shadow mode is on" in page


async def test_webhooks_and_pages_share_an_address_that_asks_for_a_password(house: House) -> None:
    address = f"127.0.0.1:{free_port()}"
    house.write(more=GUARDED, server=address)
    text = house.config.read_text().replace('[admin]\nlisten = "127.0.0.1:0"\n', "", 1)
    house.config.write_text(text.replace("[admin]", f'[admin]\nlisten = "{address}"', 1))
    async with house.running() as daemon:
        assert daemon.addresses == {"server": f"http://{address}", "admin": f"http://{address}"}
        assert await post(daemon) == 200
        code, page = await get(f"http://{address}/")
        assert (code, b"Log in" in page) == (200, True)
        assert await probes(daemon) == {"/healthz": 200, "/readyz": 200}
    assert house.code == 0


@pytest.mark.parametrize(("server", "warned"), [("", True), ('trusted_proxies = ["10.0.0.7"]', False)])
async def test_a_password_that_would_go_through_the_net_in_plain_words_is_warned_of(
    house: House, server: str, warned: bool
) -> None:
    house.write(more=GUARDED)
    text = house.config.read_text().replace('[admin]\nlisten = "127.0.0.1:0"\n', f"{server}\n", 1)
    house.config.write_text(text.replace("[admin]", '[admin]\nlisten = "0.0.0.0:0"', 1))
    with capture_logs() as logged:
        async with house.running():
            pass
    assert any("plain HTTP" in line_["event"] for line_ in logged) is warned


@pytest.mark.parametrize(
    ("admin", "link"),
    [
        ("", r"http://127\.0\.0\.1:\d+/problems/7"),
        ('public_url = "https://stock.example.com/stock/"', r"https://stock\.example\.com/stock/problems/7"),
    ],
)
async def test_a_link_in_a_mail_is_one_that_its_reader_can_follow(house: House, admin: str, link: str) -> None:
    house.write()
    house.config.write_text(house.config.read_text().replace("[admin]", f"[admin]\n{admin}", 1))
    async with house.running() as daemon:
        assert re.fullmatch(link, str(daemon._link(SimpleNamespace(problem_id=7))))  # type: ignore[arg-type]
