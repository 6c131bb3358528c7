"""Files that are damaged, cut short, swapped or gone: what was committed is recovered, or the store refuses to work.

Never does it start afresh in silence, and never does it take half a commit for a whole one.
"""

import os
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from promises import check
from sizes import seeds
from traffic import Traffic

from stockhook import settings
from stockhook.errors import StoreUnavailable
from stockhook.model import Order
from stockhook.operations.verify import verify
from stockhook.store import FOREVER
from stockhook.testing.daemon import RunningDaemon
from stockhook.worker import Worker

PHASE = 100
"""Orders before the old file was kept, as many until the log was folded in, and about as many in the log."""

Damage = Callable[["Store", random.Random], None]


class Store:
    """A store that was left in the middle of its work, its log not folded in; ``old`` is its file of some time ago."""

    def __init__(self, folder: Path, old: Path) -> None:
        self.daemon = RunningDaemon(folder)
        self.db, self.wal, self.shm = (folder / f"stockhook.db{end}" for end in ("", "-wal", "-shm"))
        self.old = old

    def outcome(self, traffic: Traffic) -> str:
        """Open the store and say how that goes: ``refused``, ``found`` by verify, or how many orders are left.

        Raises AssertionError if what is left is no state that was ever committed.
        """
        refusal = ""
        try:
            with self.daemon.desk() as desk:
                if [found for found in verify(desk) if not found.ok]:
                    return "found"
                with desk.store.read() as view:
                    left = len(view.find(Order, most=FOREVER))
                channels = {name: one.channel for name, one in settings.load(self.daemon.config).channels.items()}
                while Worker(desk, channels).step():
                    pass
        except StoreUnavailable as error:
            refusal = str(error)
        if refusal:
            assert "restore a backup" in refusal.lower(), refusal
            return "refused"
        check(Traffic((self.daemon,), wanted=traffic.wanted, bodies=traffic.bodies))
        return str(left)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Traffic:
    """A store with a past, killed at work; its file of an earlier time lies beside it."""
    folder = tmp_path_factory.mktemp("lived")
    with RunningDaemon(folder) as daemon:
        traffic = Traffic((daemon,)).stock_up()

        def trade() -> None:
            most = len(traffic.acknowledged) + PHASE
            daemon.until(lambda: len(traffic.acknowledged) >= most)

        with traffic.flowing():
            trade()
        daemon.terminate()
        shutil.copy(folder / "stockhook.db", folder / "old.db")
        daemon.start()
        with traffic.flowing():
            trade()
        check(traffic)  # folds the log in
        while daemon.running or frames(folder / "stockhook.db-wal") < PHASE:  # it may just have been begun anew
            if not daemon.running:
                daemon.start()
            with traffic.flowing():
                trade()
                time.sleep(0.2)  # for the worker
                daemon.kill()
    return traffic


def frames(wal: Path) -> int:
    """Return how many pages a log holds that were written since it was begun anew: those with the salts of its head."""
    data = wal.read_bytes()
    salts = data[16:24]
    return sum(data[at + 8 : at + 16] == salts for at in range(32, len(data) - 24, 4096 + 24))


@pytest.fixture
def store(lived: Traffic, tmp_path: Path) -> Store:
    for file in lived.daemon.folder.glob("stockhook.db*"):
        shutil.copy(file, tmp_path)
    return Store(tmp_path, lived.daemon.folder / "old.db")


def flip(file: Path, low: int, high: int, chance: random.Random) -> None:
    data = bytearray(file.read_bytes())
    at = chance.randrange(low, min(high, len(data)))
    print(f"{file.name}: byte {at} of {len(data)} flipped")
    data[at] ^= 1 << chance.randrange(8)
    file.write_bytes(data)


def cut(file: Path, length: int) -> None:
    print(f"{file.name}: {length} of {file.stat().st_size} bytes left")
    with file.open("r+b") as open_file:
        open_file.truncate(length)


def cut_wal(store: Store, chance: random.Random) -> None:
    cut(store.wal, chance.randrange(32, store.wal.stat().st_size))


def cut_wal_in_its_last_frame(store: Store, chance: random.Random) -> None:
    cut(store.wal, store.wal.stat().st_size - chance.randrange(1, 4096))


def flip_in_wal(store: Store, chance: random.Random) -> None:
    flip(store.wal, 32, store.wal.stat().st_size, chance)


def flip_in_head_of_wal(store: Store, chance: random.Random) -> None:
    flip(store.wal, 0, 32, chance)


def zero_end_of_wal(store: Store, chance: random.Random) -> None:
    size = store.wal.stat().st_size
    with store.wal.open("r+b") as wal:
        wal.seek(chance.randrange(32, size))
        wal.write(bytes(size - wal.tell()))


def remove_shm(store: Store, chance: random.Random) -> None:
    store.shm.unlink()


def spoil_shm(store: Store, chance: random.Random) -> None:
    store.shm.write_bytes(chance.randbytes(store.shm.stat().st_size))


LOG: list[Damage] = [
    cut_wal, cut_wal_in_its_last_frame, flip_in_wal, flip_in_head_of_wal, zero_end_of_wal, remove_shm, spoil_shm,
]  # fmt: skip


@pytest.mark.parametrize("seed", seeds(1, 10))
@pytest.mark.parametrize("damage", LOG, ids=lambda damage: damage.__name__)
def test_of_a_damaged_log_what_was_committed_before_the_damage_is_left(
    damage: Damage, seed: int, store: Store, lived: Traffic
) -> None:
    damage(store, random.Random(seed))
    left = int(store.outcome(lived))
    assert left >= 2 * PHASE
    if damage in (remove_shm, spoil_shm):
        assert left > 2 * PHASE


def empty(store: Store, chance: random.Random) -> None:
    cut(store.db, 0)


def remove(store: Store, chance: random.Random) -> None:
    store.db.unlink()


def remove_with_log(store: Store, chance: random.Random) -> None:
    for file in (store.db, store.wal, store.shm):
        file.unlink()


def cut_in_half(store: Store, chance: random.Random) -> None:
    cut(store.db, store.db.stat().st_size // 2)


def cut_in_half_without_log(store: Store, chance: random.Random) -> None:
    store.wal.unlink()
    cut(store.db, store.db.stat().st_size // 2)


def another_kind_of_file(store: Store, chance: random.Random) -> None:
    store.wal.unlink()
    store.db.write_text("This is no database.\n" * 1000)


def put_old_file_in(store: Store, chance: random.Random) -> None:
    shutil.copy(store.old, store.db)


def spoil_pages(store: Store, chance: random.Random) -> None:
    data = bytearray(store.db.read_bytes())
    for page in chance.sample(range(1, len(data) // 4096), 12):
        data[page * 4096 : page * 4096 + 4096] = chance.randbytes(4096)
    store.db.write_bytes(data)


def spoil_schema(store: Store, chance: random.Random) -> None:
    store.wal.unlink()
    store.db.write_bytes(store.db.read_bytes().replace(b"CREATE TABLE", b"CREATE T\xdfBLE"))


LOST: list[Damage] = [
    empty, remove, remove_with_log, cut_in_half, cut_in_half_without_log, another_kind_of_file, put_old_file_in,
    spoil_pages,
    spoil_schema,
]  # fmt: skip


@pytest.mark.parametrize("damage", LOST, ids=lambda damage: damage.__name__)
def test_a_file_that_is_not_what_it_was_is_refused_with_a_sentence_that_says_what_to_do(
    damage: Damage, store: Store, lived: Traffic
) -> None:
    damage(store, random.Random(1))
    refused = store.daemon.stockhook("serve", code=1)
    print(refused.err)
    assert refused.err.startswith("Error: ")
    assert "restore a backup" in refused.err.lower()
    assert "Traceback" not in refused.err
    assert store.outcome(lived) == "refused"


@pytest.mark.parametrize("seed", seeds(6, 60))
def test_a_flipped_bit_is_found_or_changes_nothing(seed: int, store: Store, lived: Traffic) -> None:
    flip(store.db, 0, store.db.stat().st_size, random.Random(seed))
    os.utime(store.wal)  # a bit that flips by itself leaves no newer file behind
    outcome = store.outcome(lived)
    assert outcome in ("refused", "found") or int(outcome) >= 2 * PHASE
