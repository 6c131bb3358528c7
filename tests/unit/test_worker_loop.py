"""The worker's loop, with a worker that only notes when it was asked to work."""

import asyncio
import math
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import pytest

from stockhook import worker_loop
from stockhook.errors import StoreBroken, StoreUnavailable
from stockhook.worker import Worker
from stockhook.worker_loop import QUIET, WorkerLoop


class FakeWorker:
    """Does one unit of work a step as long as there is some; notes when."""

    def __init__(self, outcomes: Sequence[int | Exception] = ()) -> None:
        self.outcomes = list(outcomes)
        self.steps: list[float] = []
        self.takes = 0.0

    def step(self) -> int:
        self.steps.append(time.monotonic())
        time.sleep(self.takes)
        outcome = self.outcomes.pop(0) if self.outcomes else 0
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


class TestWorkerLoop:
    @pytest.fixture
    def fake(self, monkeypatch: pytest.MonkeyPatch) -> FakeWorker:
        monkeypatch.setattr(worker_loop, "REST", 3600)  # or a machine that stands still would have it look by itself
        return FakeWorker()

    async def run(self, fake: FakeWorker, steps: int, loop: WorkerLoop, wake_after: int = 0) -> None:
        """Run the loop for so many steps, and a little longer: there may be more; wake it after one if that is said."""
        task = asyncio.ensure_future(loop.run())
        try:
            if wake_after:
                await self.until(fake, wake_after)
                loop.wake()
            await self.until(fake, steps)
            await asyncio.sleep(0.1)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def until(self, fake: FakeWorker, steps: int) -> None:
        async with asyncio.timeout(50):
            while len(fake.steps) < steps:
                await asyncio.sleep(0.01)

    async def test_it_goes_on_at_once_while_there_is_work_and_tells_of_each_batch(self, fake: FakeWorker) -> None:
        fake.outcomes = [5, 5, 5, 0]
        booked: list[int] = []
        await self.run(fake, 4, WorkerLoop(cast("Worker", fake), lambda: math.inf, lambda: booked.append(1)))
        assert len(fake.steps) == 4
        assert len(booked) == 3

    async def test_it_is_at_rest_once_there_was_nothing_to_do_and_not_while_the_store_is_away(
        self, fake: FakeWorker
    ) -> None:
        fake.outcomes = [5, StoreUnavailable("away"), 5]
        loop = WorkerLoop(cast("Worker", fake), lambda: math.inf, lambda: None)
        task = asyncio.ensure_future(loop.run())
        try:
            await self.until(fake, 2)
            loop.wake()  # or the outage is waited out
            async with asyncio.timeout(50):
                await loop.at_rest()
                assert len(fake.steps) == 4
                await loop.at_rest()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def test_a_wake_up_ends_its_sleep(self, fake: FakeWorker) -> None:
        loop = WorkerLoop(cast("Worker", fake), lambda: math.inf, lambda: None)
        await self.run(fake, 2, loop, wake_after=1)
        assert len(fake.steps) == 2

    async def test_it_looks_again_after_a_while_though_nobody_woke_it(
        self, fake: FakeWorker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(worker_loop, "REST", 0.01)
        await self.run(fake, 3, WorkerLoop(cast("Worker", fake), lambda: math.inf, lambda: None))

    async def test_it_gives_way_to_requests_but_not_for_ever(self, fake: FakeWorker) -> None:
        fake.outcomes = [1, 1, 1]
        fake.takes = 0.05
        await self.run(fake, 3, WorkerLoop(cast("Worker", fake), lambda: 0.0, lambda: None))
        gaps = [later - earlier for earlier, later in pairwise(fake.steps)]
        assert all(gap >= 0.15 for gap in gaps[:2]), "three times what the last batch took, and the batch itself"

    async def test_a_gap_too_short_for_a_batch_is_not_used(self, fake: FakeWorker) -> None:
        fake.outcomes = [1, 1, 1]
        fake.takes = 0.05
        await self.run(fake, 2, WorkerLoop(cast("Worker", fake), lambda: QUIET / 2, lambda: None))
        first, second, *_ = fake.steps
        assert second - first >= 0.15, "as if a request were waiting"

    async def test_a_store_that_is_away_is_waited_for(self, fake: FakeWorker) -> None:
        fake.outcomes = [StoreUnavailable("full"), 1]
        loop = WorkerLoop(cast("Worker", fake), lambda: math.inf, lambda: None)
        await self.run(fake, 3, loop, wake_after=1)
        assert len(fake.steps) == 3

    async def test_a_broken_store_ends_it(self, fake: FakeWorker) -> None:
        fake.outcomes = [StoreBroken("damaged")]
        with pytest.raises(StoreBroken):
            await WorkerLoop(cast("Worker", fake), lambda: math.inf, lambda: None).run()
