"""A store moves to another database and back between two runs of the daemon, and nobody can tell."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from house import House
from postgres import any_server
from promises import check, finish
from sqlite_file import raw
from traffic import Traffic

from stockhook.testing.daemon import RunningDaemon


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """The URL of an empty database on a PostgreSQL server."""
    with any_server() as server, server.database() as url:
        yield url


def test_a_daemon_goes_on_from_postgresql_and_back_again_on_a_file(
    daemon: RunningDaemon, running: Callable[..., RunningDaemon], tmp_path: Path, elsewhere: str
) -> None:
    traffic = Traffic((daemon,)).stock_up()
    with traffic.flowing():
        daemon.until(lambda: len(traffic.acknowledged) > 40)
    assert "another stockhook daemon" in daemon.stockhook("store", "copy", "--to", elsewhere, code=1).err
    daemon.terminate()
    before = len(traffic.acknowledged)
    there = daemon.stockhook("store", "copy", "--to", elsewhere, "--json").json
    assert there["failing"] == []
    assert there["rows"]["delivery"] >= before

    for name in ("second", "third"):
        (tmp_path / name).mkdir()
    second = running(tmp_path / "second", url=elsewhere)
    traffic.daemons = (second,)
    with traffic.flowing():
        second.until(lambda: len(traffic.acknowledged) > before + 20)
    check(traffic)
    assert "pg_dump" in second.stockhook("backup", str(tmp_path / "copy.db"), code=1).err
    assert not (tmp_path / "copy.db").exists()
    second.terminate()
    back = second.stockhook("store", "copy", "--to", f"sqlite:///{tmp_path}/third/stockhook.db", "--json").json
    assert back["rows"]["delivery"] >= there["rows"]["delivery"] + 20

    third = running(tmp_path / "third")
    traffic.daemons = (third,)
    check(traffic)
    traffic.acknowledged.clear()
    finish(traffic)


def test_a_person_reads_what_was_copied_and_how_to_start_on_it(stocked: House) -> None:
    url = f"sqlite:///{stocked.folder}/copy.db"
    said = stocked.done("store", "copy", "--to", url)
    assert "movement" in said
    assert f"\ncopied to {url}\n" in said
    assert "both hold the same rows; movements sum to 10, units to 10" in said
    assert said.endswith(f'    [store]\n    url = "{url}"\n')
    assert (stocked.folder / "copy.db").stat().st_mode & 0o777 == 0o600
    assert "holds a store already" in stocked.refused("store", "copy", "--to", url)
    itself = f"sqlite:///{stocked.folder}/stockhook.db"
    assert "that is the store itself" in stocked.refused("store", "copy", "--to", itself)
    assert "Missing option" in stocked.refused("store", "copy", code=2)


def test_the_url_may_come_from_the_environment_where_nobody_else_sees_it(
    stocked: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOCKHOOK_COPY_TO", f"sqlite:///{stocked.folder}/copy.db")
    assert stocked.json("store", "copy")["on_hand"] == "10"


def test_a_copy_says_what_was_wrong_before(stocked: House) -> None:
    stocked.play(b"no json at all")
    stocked.config.write_text(stocked.config.read_text() + "[retention]\npayload_days = 0\n")
    raw(stocked.folder / "stockhook.db", "DELETE FROM body")
    done = stocked.run("store", "copy", "--to", f"sqlite:///{stocked.folder}/copy.db")
    assert done.exit_code == 0
    assert "not ok before, and so not ok now: journal: the body of delivery 1 is gone" in done.stderr
