"""What README tells a newcomer to type works as it stands there."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from stockhook.cli import main

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")

PIP = """\
#!/bin/sh
# stands for an installation, which takes minutes: the command keeps what it was called with
echo '#!/bin/sh' > .venv/bin/stockhook
echo 'for word in "STOCKHOOK_CONFIG=$STOCKHOOK_CONFIG" "$@"; do printf "%s\\t" "$word"; done >> called' \\
  >> .venv/bin/stockhook
echo 'echo >> called' >> .venv/bin/stockhook
chmod +x .venv/bin/stockhook
"""


def blocks(heading: str) -> list[str]:
    """Return what is to be typed below a heading, block by block."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^```\n(.*?)^```", section, flags=re.DOTALL | re.MULTILINE)


def typed(folder: Path, block: str) -> list[list[str]]:
    """Type a block into a new shell whose path has Python and nothing of ours; return the calls of our command."""
    shell = ["sh", "-e", "-c", block]
    path = f"{folder / 'bin'}{os.pathsep}{os.defpath}"
    done = subprocess.run(shell, cwd=folder, env={"PATH": path}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), block
    called = (folder / "called").read_text().splitlines()
    (folder / "called").unlink()
    return [line.rstrip("\t").split("\t") for line in called]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A folder for a first store, and a Python whose pip installs in no time."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "pip").write_text(PIP)
    python = tmp_path / "bin" / "python3"
    made = f'{shlex.quote(sys.executable)} "$@" --without-pip && cp pip .venv/bin/pip'
    python.write_text(f"#!/bin/sh\n{made}\n")
    for script in (python, tmp_path / "pip"):
        script.chmod(0o755)
    return tmp_path


def test_the_first_store_comes_about_by_typing_what_the_readme_says(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(house)
    beginning, *others = blocks("Your first store")
    calls = [call for block in (beginning, *others) for call in typed(house, block)]
    names = [call[1] for call in calls]
    assert names == ["init", "check", "serve", "locations", "items", "stock"]
    for environment, *words in calls:
        if words[0] == "serve":
            continue
        name, _, value = environment.partition("=")
        result = CliRunner().invoke(main, words, input="DEMO\n", env={name: value or None}, prog_name="stockhook")
        assert result.exit_code == 0, (words, result.output)
    assert 'merchant_id = "DEMO"' in (house / "stockhook.toml").read_text()
    listed = CliRunner().invoke(main, ["stock", "list", "--config", "stockhook.toml"])
    assert "LAMP-01" in listed.output
