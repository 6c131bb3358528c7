"""The benchmark works: every figure is measured, and a bar that is missed is told."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"

WITH_A_BAR = {
    "start to listening",
    "intake, worker on, to the bare handler",
    "group commit, to one commit per request",
    "drain",
    "drain, to the hand-written loop",
    "peak memory",
}


@pytest.fixture(scope="module")
def figure() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmark_figure", BENCHMARKS / "figure.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_a_quick_run_measures_every_figure_that_has_a_bar() -> None:
    done = subprocess.run(
        (sys.executable, str(BENCHMARKS / "run.py"), "--quick", "--json"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout, done.stderr
    told = json.loads(done.stdout)
    assert {row["name"] for row in told["figures"] if row["least"] or row["most"]} == WITH_A_BAR
    assert all(row["value"] > 0 for row in told["figures"])
    assert told["ok"] == all(row["ok"] for row in told["figures"])
    assert done.returncode == (0 if told["ok"] else 1)


def test_a_figure_is_well_when_it_reaches_its_bar(figure: ModuleType) -> None:
    assert figure.Figure("drain", 2000, "events/s", least=2000).ok
    assert not figure.Figure("drain", 1999, "events/s", least=2000).ok
    assert figure.Figure("memory", 150, "MiB", most=150).ok
    assert not figure.Figure("memory", 151, "MiB", most=150).ok
    assert figure.Figure("told", 0, "").ok


def test_the_table_names_what_was_missed(figure: ModuleType) -> None:
    shown = figure.table([figure.Figure("drain", 912, "events/s", least=2000), figure.Figure("bare", 3403, "/s")])
    _, drain, bare = shown.splitlines()
    assert drain.split() == ["drain", "912", "events/s", "at", "least", "2,000", "MISSED"]
    assert bare.split() == ["bare", "3,403", "/s"]
