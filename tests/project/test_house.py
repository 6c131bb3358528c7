"""The rules of the house that no linter knows."""

import ast
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = (ROOT / "daemon" / "stockhook", ROOT / "plugins" / "stockhook_plugins")
OURS = ("daemon", "plugins", "tests", "systemd", ".ci")
VENDORED = "vendor"
MOST_LINES = 400


def files(*folders: Path) -> Iterator[Path]:
    """Yield every file of the repository below ``folders`` that a person wrote or added."""
    for folder in folders:
        for base, inner, names in os.walk(folder):
            inner[:] = sorted(name for name in inner if name != "__pycache__" and not name.endswith(".egg-info"))
            yield from (Path(base) / name for name in sorted(names) if not name.endswith(".pyc"))


def all_files() -> Iterator[Path]:
    yield from files(*(ROOT / name for name in OURS))
    for name in ("README.md", "Makefile", "pyproject.toml", "config.toml.example", ".gitignore"):
        yield ROOT / name


def modules() -> list[Path]:
    return [path for path in files(*PACKAGES) if path.suffix == ".py"]


def test_the_source_roots_are_no_packages() -> None:
    for root in ("daemon", "plugins"):
        assert not (ROOT / root / "__init__.py").exists()
        assert (ROOT / root).is_dir()


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    text = {".py", ".html", ".txt", ".css", ".js", ".sh"}
    found = {
        str(path.relative_to(ROOT)): count
        for path in all_files()
        if path.suffix in text and VENDORED not in path.parts and "samples" not in path.parts
        if "versions" not in path.parts  # a migration is drafted by a program, a line for each column
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > MOST_LINES
    }
    assert found == {}


def test_the_layers_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


def test_only_the_public_surfaces_list_what_they_export() -> None:
    listing = set()
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Name) and node.id == "__all__":
                listing.add(path.relative_to(ROOT).as_posix())
    public = {f"daemon/stockhook/{name}.py" for name in ("plugin", "testing/__init__", "model/__init__")}
    assert listing - public == set()


def test_modules_are_named_by_what_they_are_about() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "misc", "base"}
    assert [path for path in modules() if path.stem in vague and path.parent.name != "web"] == []


def test_nothing_names_a_folder_of_a_developers_machine() -> None:
    somebodys = re.compile(rf"/(?:home|Users)/\w|/root/\w|{re.escape(str(ROOT))}\b")
    found = []
    for path in all_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in somebodys.finditer(text)]
    assert found == []


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Build the wheel the way pip does, without the network that its isolation would need."""
    folder = tmp_path_factory.mktemp("wheel")
    code = f"from hatchling.build import build_wheel; print(build_wheel({str(folder)!r}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return zipfile.ZipFile(folder / done.stdout.split()[-1])


def test_the_wheel_holds_every_file_of_both_packages(wheel: zipfile.ZipFile) -> None:
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert packed == {path.relative_to(package.parent).as_posix() for package in PACKAGES for path in files(package)}
    assert {"stockhook/py.typed", "stockhook_plugins/py.typed"} <= packed


def test_the_wheel_brings_the_command_and_the_plugins(wheel: zipfile.ZipFile) -> None:
    (listed,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    text = wheel.read(listed).decode() + "\n"
    assert "stockhook = stockhook.cli:main" in text
    packed = set(wheel.namelist())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for name, module in project["entry-points"]["stockhook"].items():
        assert f"{name} = {module}\n" in text
        path = module.replace(".", "/")
        assert {f"{path}.py", f"{path}/__init__.py"} & packed, module


@pytest.mark.needs("systemd-analyze")
def test_systemd_takes_the_units() -> None:
    units = sorted(unit for unit in (ROOT / "systemd").iterdir() if unit.suffix != ".md")
    assert [unit.name for unit in units] == [
        "stockhook-backup.service",
        "stockhook-backup.timer",
        "stockhook-failed@.service",
        "stockhook.service",
        "stockhook.socket",
    ]
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.needs("systemd-analyze")
@pytest.mark.parametrize("name", ["stockhook.service", "stockhook-backup.service"])
def test_daemon_and_backups_are_shut_in(name: str) -> None:
    unit = ROOT / "systemd" / name
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20", unit]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "Overall exposure level" in done.stdout


def test_ci_installs_every_program_that_a_test_needs() -> None:
    conftest = ast.parse((ROOT / "tests" / "conftest.py").read_text())
    (packages,) = (
        ast.literal_eval(node.value)
        for node in conftest.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PACKAGES"
    )
    mark = re.compile(r'mark\.needs\("([a-z0-9-]+)"\)')
    needed = {name for path in files(ROOT / "tests") if path.suffix == ".py" for name in mark.findall(path.read_text())}
    needed -= {"no-such-program-of-any-name", "root"}  # neither is to be installed: one is nowhere, one is a right
    installed = re.search(r"packages=\((.*?)\)", (ROOT / ".ci" / "run").read_text())
    assert installed
    assert "systemd-analyze" in needed
    for name in needed:
        assert set(packages.get(name, name).split()) <= set(installed[1].split()), name
