"""The demo, as anyone's first look at stockhook."""

import subprocess
import sys
from pathlib import Path

EVENTS = [
    "ignored",  # created, not shipped
    "applied",
    "unchanged",  # the same again
    "applied",  # a kit with its components
    "applied",  # a kit by our own definition
    "applied",  # a split shipment
    "applied",
    "applied",  # an out-of-order pair
    "superseded",
    "applied",  # refunded before it shipped
    "parked",  # an unknown code
    "short",
    "failed",  # unreadable
    "applied",  # mapped
    "applied",  # received
]


def test_it_plays_a_day_checks_the_books_and_ends_well(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from stockhook.cli import main; main()", "demo", "--once"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    shown = [word for line in lines for word in line.split() if word in {*EVENTS}]
    assert shown == EVENTS
    assert "all hold." in done.stdout
    mails = [line.split(maxsplit=1)[1] for line in lines if ".eml" in line]
    assert [mail.partition("] ")[2].partition(" (")[0] for mail in mails] == [
        "Unknown item SOAP-A-12PK",
        "Insufficient inventory CANDLE",
        "Unreadable delivery 13",
        "Settled: Unknown item SOAP-A-12PK",
        "Settled: Insufficient inventory CANDLE",
    ]
    assert "Mails it would have sent:" in lines  # in a folder that is gone by now
    assert list(tmp_path.iterdir()) == []
