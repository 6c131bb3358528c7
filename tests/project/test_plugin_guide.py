"""The guide for plugin authors says what is true: its examples run, its headings are the hooks."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from stockhook import hookspecs
from stockhook.plugin_manager.loading import HOOKS
from stockhook.plugin_manager.offer import Kind, interface_methods

GUIDE = (Path(__file__).parents[2] / "plugins" / "README.md").read_text()
EXAMPLES = dict(re.findall(r"```python\n# (\w+\.py)\n(.*?)```", GUIDE, flags=re.DOTALL))


def hooks() -> dict[str, str]:
    """Return the signature of every hook by its name, as it stands in the source."""
    tree = ast.parse(inspect.getsource(hookspecs))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {
        node.name: f"{node.name}({ast.unparse(node.args)}) -> {ast.unparse(node.returns)}"
        for node in functions
        if node.returns
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in EXAMPLES.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o644)
    return tmp_path


def test_every_hook_has_a_heading_with_its_exact_signature() -> None:
    assert sorted(hooks()) == [name for name in sorted(vars(hookspecs)) if name.startswith("stockhook_")]
    for signature in hooks().values():
        assert f"\n### `{signature}`\n" in GUIDE


def test_every_hook_is_called() -> None:
    assert set(HOOKS) == set(hooks())


def test_every_method_that_a_class_must_have_is_named() -> None:
    for kind in (Kind.CHANNEL, Kind.STRATEGY, Kind.NOTIFIER):
        for name, method in interface_methods(kind):
            arguments = ", ".join(list(inspect.signature(method).parameters)[1:])
            assert f"{name}({arguments})`" in GUIDE


def test_there_is_an_example_of_each_kind_that_loads_and_can_be_configured(folder: Path) -> None:
    (folder / "test_examples.py").unlink()
    tables = "".join(re.findall(r"```toml\n(\[(?!project).*?)```", GUIDE, flags=re.DOTALL))
    tables = tables.replace('{ credential = "outlet-token" }', '"correct-horse"')
    tables += f'[plugins]\ndirectory = "{folder}"\n'
    (folder / "config.toml").write_text(tables)
    command = [sys.executable, "-c", "from stockhook.cli import main; main()", "check", "--config"]
    done = subprocess.run([*command, folder / "config.toml"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rule = "strategy one-rack (rule 1)"
    for line in ("store counting", "strategy depot", rule, "channel outlet (plain)", "notifier desk (file)"):
        assert f"ok  {line}\n" in done.stdout


def test_the_examples_pass_the_contracts(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:tornado", "test_examples.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert "skipped" not in done.stdout
