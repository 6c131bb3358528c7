import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stockhook import plugin_manager
from stockhook.errors import ConfigError
from stockhook.plugin_manager import Kind, Plugins, Record, Status

NEAREST = """
from stockhook.plugin import Pick, PluginOptions, hookimpl

class Nearest:
    type = "{type}"
    version = "1"
    Options = PluginOptions
    def __init__(self, options): ...
    def plan(self, need, units): return [Pick(unit.id, unit.available, "near") for unit in units]

@hookimpl
def stockhook_register_strategies():
    return [Nearest]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Give a plugin folder; what loading it does to the interpreter is undone."""
    path, modules = list(sys.path), set(sys.modules)
    yield tmp_path
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name.startswith("stockhook_plugin_file_"):
            del sys.modules[name]


def add(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    (folder / name).chmod(0o644)


def load(folder: Path, *disabled: str) -> Plugins:
    return plugin_manager.load(folder, disabled)


def record(plugins: Plugins, name: str) -> Record:
    (found,) = (record for record in plugins.records if record.name == name)
    return found


def test_the_bundled_plugins_come_in_by_entry_point_like_anyones() -> None:
    found = record(plugin_manager.load(), "strategies")
    assert found.origin == "stockhook_plugins.strategies"
    assert found.distribution == "stockhook"
    assert found.version
    assert found.status is Status.ENABLED
    assert "strategy fifo" in found.offers


def test_a_file_in_the_folder_is_a_plugin(folder: Path) -> None:
    add(folder, "nearest.py", NEAREST.format(type="nearest"))
    plugins = load(folder)
    assert record(plugins, "nearest") == Record("nearest", str(folder / "nearest.py"), offers=("strategy nearest",))
    assert plugins.find(Kind.STRATEGY, "nearest", "allocation.strategy").type == "nearest"


def test_files_beginning_with_an_underscore_are_not_plugins(folder: Path) -> None:
    add(folder, "_shared.py", "raise RuntimeError")
    assert [record for record in load(folder).records if record.origin.startswith(str(folder))] == []


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("import nothing_here", "ModuleNotFoundError: No module named 'nothing_here'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("def f(:", "SyntaxError"),
        ("x = 1", "it has no hook; mark its functions with @hookimpl"),
        (
            "from stockhook.plugin import hookimpl\n@hookimpl\ndef stockhook_register_notifers(): return []",
            "PluginValidationError: unknown hook 'stockhook_register_notifers'",
        ),
        (
            "from stockhook.plugin import hookimpl\n@hookimpl\ndef stockhook_register_notifiers(config): return []",
            "PluginValidationError",
        ),
        (
            "from stockhook.plugin import hookimpl\n@hookimpl\ndef stockhook_register_notifiers(): return 1 / 0",
            "ZeroDivisionError: division by zero",
        ),
        (
            "from stockhook.plugin import hookimpl\n@hookimpl\ndef stockhook_register_notifiers(): return None",
            "stockhook_register_notifiers: expected a list of classes, found NoneType",
        ),
        (
            "from stockhook.plugin import hookimpl\n@hookimpl(wrapper=True)\ndef stockhook_register_stores(): yield",
            "stockhook_register_stores: a registration hook cannot be a wrapper",
        ),
    ],
)
def test_a_broken_plugin_is_recorded_and_the_rest_goes_on(folder: Path, text: str, error: str) -> None:
    add(folder, "broken.py", text)
    add(folder, "nearest.py", NEAREST.format(type="nearest"))
    plugins = load(folder)
    found = record(plugins, "broken")
    assert found.status is Status.FAILED
    assert error in str(found.error)
    assert "\n" not in str(found.error)
    assert found.offers == ()
    assert record(plugins, "nearest").status is Status.ENABLED
    assert record(plugins, "strategies").status is Status.ENABLED


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ('type = "nearest"', 'type = "Near est"', "Nearest.type: expected a name in small letters"),
        ('type = "nearest"', "", "Nearest.type: expected a name in small letters"),
        ("Options = PluginOptions", "Options = dict", "Nearest.Options: expected a subclass of"),
        ('version = "1"', "", "Nearest.version: expected a text"),
        (
            "def plan(self, need, units)",
            "def plan(self, need)",
            "Nearest.plan: expected it to take (self, need, units)",
        ),
        ("def plan(self, need, units)", "async def plan(self, need, units)", "Nearest.plan: expected a plain def"),
        ("def plan(", "def plans(", "Nearest.plan: this method is missing"),
        (
            "return [Nearest]",
            "return [Nearest, Nearest]",
            "strategy 'nearest' is offered by this plugin itself already",
        ),
        ("return [Nearest]", "return [Nearest(None)]", "expected strategy classes, found Nearest"),
    ],
)
def test_a_class_that_lacks_something_is_refused_with_what_it_lacks(
    folder: Path, old: str, new: str, error: str
) -> None:
    text = NEAREST.format(type="nearest")
    assert old in text
    add(folder, "nearest.py", text.replace(old, new))
    plugins = load(folder)
    assert error in str(record(plugins, "nearest").error)
    assert "nearest" not in plugins.classes[Kind.STRATEGY]


def test_a_method_inherited_from_the_interface_itself_counts_as_missing(folder: Path) -> None:
    text = NEAREST.format(type="nearest").replace("import Pick", "import Strategy, Pick")
    text = text.replace("class Nearest:", "class Nearest(Strategy):").replace("def plan(", "def plans(")
    add(folder, "nearest.py", text)
    assert "Nearest.plan: this method is missing" in str(record(load(folder), "nearest").error)


def test_of_two_plugins_with_one_type_the_later_is_refused_naming_both(folder: Path) -> None:
    add(folder, "mine.py", NEAREST.format(type="fifo"))
    plugins = load(folder)
    assert str(record(plugins, "mine").error).startswith(
        "strategy 'fifo' is offered by plugin strategies (stockhook_plugins.strategies) already"
    )
    assert plugins.classes[Kind.STRATEGY]["fifo"].__module__.startswith("stockhook_plugins")


def test_of_two_plugins_with_one_name_the_later_is_refused(folder: Path) -> None:
    add(folder, "strategies.py", NEAREST.format(type="nearest"))
    records = [record for record in load(folder).records if record.name == "strategies"]
    assert [record.status for record in records] == [Status.ENABLED, Status.FAILED]
    assert "loaded already, from stockhook_plugins.strategies" in str(records[1].error)


def test_a_disabled_plugin_is_not_even_imported(folder: Path) -> None:
    add(folder, "nearest.py", "raise RuntimeError")
    found = record(load(folder, "nearest"), "nearest")
    assert (found.status, found.error) == (Status.DISABLED, None)


@pytest.mark.parametrize("mode", [0o666, 0o664], ids=["others", "group"])
def test_a_file_that_others_may_write_is_refused_by_name(folder: Path, mode: int) -> None:
    add(folder, "nearest.py", NEAREST.format(type="nearest"))
    (folder / "nearest.py").chmod(mode)
    plugins = load(folder)
    assert f"{folder / 'nearest.py'} may be written by others" in str(record(plugins, "nearest").error)
    assert "nearest" not in plugins.classes[Kind.STRATEGY]


def test_a_folder_that_others_may_write_is_refused_with_all_in_it(folder: Path) -> None:
    add(folder, "nearest.py", NEAREST.format(type="nearest"))
    folder.chmod(0o777)
    found = record(load(folder), folder.name)
    assert found.error == f"{folder} may be written by others; take that away with: chmod go-w {folder}"
    assert str(folder) not in sys.path


def test_a_folder_of_another_user_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = folder.stat()
    strange = os.stat_result((mine.st_mode, mine.st_ino, mine.st_dev, mine.st_nlink, 54321, *tuple(mine)[5:10]))
    monkeypatch.setattr(Path, "stat", lambda _self, **_: strange)
    assert "belongs to user 54321" in str(record(load(folder), folder.name).error)


def test_a_folder_that_is_not_there_is_recorded(tmp_path: Path) -> None:
    assert record(load(tmp_path / "none"), "none").error == f"{tmp_path / 'none'} is not a folder"


def install(folder: Path, name: str) -> None:
    """Put into ``folder`` what ``pip install --target`` leaves there."""
    package, info = folder / name, folder / f"{name}-2.1.dist-info"
    for made in (package, info):
        made.mkdir(mode=0o755)
    add(package, "__init__.py", f"import {name}_helper\n" + NEAREST.format(type=name))
    add(folder, f"{name}_helper.py", "x = 1")
    add(info, "METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 2.1\n")
    add(info, "RECORD", f"{name}/__init__.py,,\n{name}_helper.py,,\n{name}-2.1.dist-info/METADATA,,\n")
    add(info, "entry_points.txt", f"[stockhook]\n{name} = {name}\n")


def test_a_tree_that_pip_has_installed_in_the_folder_is_loaded_by_its_entry_points(folder: Path) -> None:
    install(folder, "treed")
    found = [record for record in load(folder).records if "treed" in record.name]
    assert found == [Record("treed", "treed", "treed", "2.1", offers=("strategy treed",))]


def test_a_file_deep_in_such_a_tree_that_others_may_write_refuses_the_folder(folder: Path) -> None:
    install(folder, "loose")
    (folder / "loose" / "__init__.py").chmod(0o666)
    plugins = load(folder)
    assert f"{folder / 'loose' / '__init__.py'} may be written" in str(record(plugins, folder.name).error)
    assert "loose" not in plugins.classes[Kind.STRATEGY]


def test_asking_for_what_no_plugin_offers_names_what_there_is_and_what_failed(folder: Path) -> None:
    add(folder, "broken.py", "import nothing_here")
    with pytest.raises(ConfigError) as error:
        load(folder, "memory").find(Kind.STRATEGY, "fifoo", "allocation.strategy")
    (line,) = error.value.problems
    assert line.startswith("allocation.strategy: no plugin offers 'fifoo' (known: ")
    assert "did you mean fifo?" in line
    assert "; these plugins failed to load: " in line
    assert "broken (ModuleNotFoundError: No module named 'nothing_here')" in line
    assert line.endswith("; these are disabled: memory")
