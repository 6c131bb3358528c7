"""What is logged is written by a thread, and nobody waits for it."""

import errno
import json
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from stockhook import log, spool
from stockhook.spool import Spool


class Pipe:
    """A pipe whose other end is read when a test says so."""

    def __init__(self) -> None:
        self.output, number = os.pipe()
        self.input = os.fdopen(number, "w")

    def read(self, size: int) -> str:
        found = b""
        while len(found) < size:
            found += os.read(self.output, size - len(found))
        return found.decode()

    def stop(self) -> None:
        """Read no more, for good."""
        os.close(self.output)
        self.output = -1


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    if pipe.output >= 0:
        pipe.stop()
    pipe.input.close()


@pytest.fixture
def unconfigured() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    logging.getLogger("tornado.access").disabled = False
    structlog.reset_defaults()


def test_lines_are_written_in_their_order(pipe: Pipe) -> None:
    lines = Spool(pipe.input)
    texts = [f"line {number}\n" for number in range(1000)]
    for text in texts:
        lines.write(text)
    assert pipe.read(len("".join(texts))) == "".join(texts)
    assert lines.settle(60)


@pytest.mark.usefixtures("unconfigured")
def test_who_logs_does_not_wait_for_a_log_that_is_full_and_what_it_could_not_take_is_told(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", pipe.input)
    monkeypatch.setattr(spool, "MOST", 300_000)
    with log.aside(0.0):
        log.configure()
        log.configure("info")  # as a reload does
        for number in range(5000):  # by far more than a pipe holds
            log.get("stockhook").info("much", number=number)
        text, kept, left_out = "", [], 0
        while len(kept) + left_out < 5000:
            text += os.read(pipe.output, 65536).decode()
            *whole, text = text.split("\n")
            lines = [json.loads(line) for line in whole]
            kept += [line["number"] for line in lines if line["event"] == "much"]
            left_out += sum(line.get("lines", 0) for line in lines)
    assert (kept, left_out) == (sorted(kept), 5000 - len(kept))
    assert 0 < left_out < 5000


def test_a_log_that_nobody_reads_any_more_is_no_matter(pipe: Pipe) -> None:
    lines = Spool(pipe.input)
    pipe.stop()
    for _ in range(3):
        lines.write("gone\n")
        assert lines.settle(60)


def test_a_line_that_a_full_disk_cut_is_ended_before_the_next_and_told_as_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = (tmp_path / "log").open("w")
    room, really = [len("first\nsec")], os.write

    def write(number: int, data: memoryview) -> int:
        if number != stream.fileno():
            return really(number, data)
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        room[0] -= (count := really(number, data[: room[0]]))
        return count

    monkeypatch.setattr(os, "write", write)
    with stream, structlog.testing.capture_logs() as told:
        lines = Spool(stream)
        for text in ("first\nsecond\nthird\n", "fourth\n"):
            lines.write(text)
            assert lines.settle(60)
        room[0] = 1000
        for text in ("fifth\n", "sixth\n"):
            lines.write(text)
            assert lines.settle(60)
    assert (tmp_path / "log").read_text() == "first\nsec\nfifth\nsixth\n"
    assert [each["lines"] for each in told] == [3]
