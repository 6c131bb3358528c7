"""The tests bite: each broken build is caught (reliability.md H16). Run as a program, it prints which test caught what.

``python tests/faults/test_bite.py [BUILD...]`` (``make bite``) tries every test that is named, the test run the first
of each build alone.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from broken_builds import BUILDS, HERE, NAME

ROOT = Path(__file__).parents[2]
SHARED = ROOT / "tests" / "shared"
HARNESSES = ("tests/functional/test_crash.py", "tests/faults/test_crash_points.py", "tests/faults/test_power_cut.py")
"""Tests of a running daemon: that alone is broken there, and the checker stays what it is."""


def run(test: str, build: str | None = None) -> tuple[int, str]:
    """Run a test, on a broken build if one is named, and return pytest's exit code and what it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))}
    environment["PYTHONPATH"] = str(SHARED)
    options = ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:randomly"]
    if build is not None:
        options += ["-p", "broken_builds"]
        environment[NAME] = build
        if not test.startswith(HARNESSES):
            environment[HERE] = "1"
    done = subprocess.run(
        (sys.executable, "-m", "pytest", *options, test),
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    return done.returncode, done.stdout


TRIES = 5
"""How often a test of chance is run on a broken build: killed before it has answered, a daemon loses nothing."""


def caught(code: int, output: str) -> str:
    """Return what the test that failed found wrong; nothing for one that passed, or could not even begin."""
    found = [line[2:].strip() for line in output.splitlines() if line.startswith("E  ")]
    return found[0] if code == pytest.ExitCode.TESTS_FAILED and "\nFAILED " in output and found else ""


@pytest.mark.needs("gcc")
@pytest.mark.parametrize("build", BUILDS)
def test_a_broken_build_is_caught(build: str) -> None:
    outputs = []
    for _ in range(TRIES):
        code, output = run(BUILDS[build].caught_by[0], build)
        if caught(code, output):
            return
        outputs.append(output)
    raise AssertionError("\n".join(outputs))


def main(names: list[str]) -> int:
    """Print a table of what each test makes of each build; return 1 if any of them does not bite."""
    blunt = 0
    print("| build | what is wrong with it | test | caught |\n| --- | --- | --- | --- |")
    for name in names or BUILDS:
        build = BUILDS[name]
        for test in build.caught_by:
            began = time.monotonic()
            for _ in range(TRIES):
                code, output = run(test, name)
                if found := caught(code, output):
                    break
            blunt += not found
            spent = f"yes, in {time.monotonic() - began:.0f} s: {found[:100]}"
            words = spent if found else f"NO (pytest ended with {code})"
            print(f"| `{name}` | {build.wrong} | `{test.removeprefix('tests/')}` | {words} |", flush=True)
    return 1 if blunt else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
