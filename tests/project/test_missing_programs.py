"""Tests of tests/conftest.py itself, on a small project in a temporary folder."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NEEDY = """
import pytest

@pytest.mark.needs("no-such-program-of-any-name")
def test_that_needs_a_program():
    raise AssertionError

async def test_that_awaits():
    import asyncio
    await asyncio.sleep(0)

def test_that_needs_nothing():
    pass
"""


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    browser = folder / "tests" / "browser"
    browser.mkdir(parents=True)
    shutil.copy(HERE.parent / "conftest.py", folder / "tests")
    (browser / "test_needy.py").write_text(NEEDY)
    (folder / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\naddopts = ["-p", "no:tornado"]\nmarkers = ["needs(program)"]\n'
    )
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("arguments", [(), ("-n", "1")], ids=["one process", "xdist"])
def test_a_missing_program_leaves_its_tests_out_and_the_run_says_so(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = run(tmp_path, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 browser test not run: apt install no-such-program-of-any-name" in done.stdout
    assert "2 passed" in done.stdout


@pytest.mark.parametrize("arguments", [(), ("-n", "1")], ids=["one process", "xdist"])
def test_where_all_tests_are_asked_for_a_missing_program_fails_the_run(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    done = run(tmp_path, *arguments, STOCKHOOK_ALL_TESTS="1")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 browser test not run" in done.stdout
