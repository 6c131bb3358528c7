"""Loads plugins one at a time and asks each what it offers."""

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Final

import pluggy

from stockhook import hookspecs, log
from stockhook.plugin_manager.folder import Untrusted, check, check_folder, plugin_files
from stockhook.plugin_manager.offer import BadOffer, Kind, check_class
from stockhook.plugin_manager.record import Plugins, Record, Status

GROUP: Final = "stockhook"
HOOKS: Final[Mapping[str, Kind]] = {
    "stockhook_register_channels": Kind.CHANNEL,
    "stockhook_register_strategies": Kind.STRATEGY,
    "stockhook_register_stores": Kind.STORE,
    "stockhook_register_notifiers": Kind.NOTIFIER,
}

logger = log.get(__name__)


def load(directory: Path | None = None, disabled: Collection[str] = ()) -> Plugins:
    """Load every plugin: the installed ones by name, then the files of ``directory``. Never raises for a bad one."""
    loader = _Loader(frozenset(disabled))
    files: list[Path] = []
    if directory:
        try:
            check_folder(directory)
        except Untrusted as error:
            loader.keep(Record(directory.name, str(directory)), error)
        else:
            _put_on_path(directory)
            files = list(plugin_files(directory))
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value)):
        loader.add(_entry_record(entry), entry.load)
    for path in files:
        loader.add(Record(path.stem, str(path)), _FileImport(path))
    return Plugins(tuple(loader.records), loader.classes)


def _put_on_path(directory: Path) -> None:
    """Let packages that pip has installed in the folder be found, behind everything else."""
    if str(directory) not in sys.path:
        sys.path.append(str(directory))
    importlib.invalidate_caches()


def _entry_record(entry: EntryPoint) -> Record:
    if entry.dist is None:
        return Record(entry.name, entry.value)
    return Record(entry.name, entry.value, entry.dist.name, entry.dist.version)


class _FileImport:
    """Imports one file of the folder under a name of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self) -> Any:
        check(self.path)
        name = f"stockhook_plugin_file_{self.path.stem}"
        spec = importlib.util.spec_from_file_location(name, self.path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{self.path} cannot be imported")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # dataclasses and pydantic look annotations up there
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
        return module


class _Loader:
    """Takes plugins in, each guarded from the others."""

    def __init__(self, disabled: frozenset[str]) -> None:
        self.disabled = disabled
        self.manager = pluggy.PluginManager(GROUP)
        self.manager.add_hookspecs(hookspecs)
        self.records: list[Record] = []
        self.classes: dict[Kind, dict[str, type]] = {kind: {} for kind in Kind}
        self.offered_by: dict[tuple[Kind, str], Record] = {}

    def add(self, record: Record, load: Callable[[], Any]) -> None:
        """Load one plugin and take what it offers: all of it, or nothing if some of it is bad."""
        if record.name in self.disabled:
            self.records.append(replace(record, status=Status.DISABLED))
            return
        try:
            self._refuse_second(record)
            offers = self._take(record, load)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything; the rest must go on
            if self.manager.has_plugin(record.name):
                self.manager.unregister(name=record.name)
            self.keep(record, error)
            return
        for kind, name, offered in offers:
            self.classes[kind][name] = offered
            self.offered_by[kind, name] = record
        self.records.append(replace(record, offers=tuple(f"{kind} {name}" for kind, name, _ in offers)))

    def keep(self, record: Record, error: BaseException) -> None:
        """Record a plugin that failed, and log why."""
        ours = isinstance(error, BadOffer | Untrusted)
        text = str(error) if ours else f"{type(error).__name__}: {' '.join(str(error).split())}"
        trace = None if ours else "".join(traceback.format_exception(error))
        logger.warning("plugin failed to load", plugin=record.name, origin=record.origin, error=text)
        self.records.append(replace(record, status=Status.FAILED, error=text, traceback=trace))

    def _refuse_second(self, record: Record) -> None:
        for other in self.records:
            if other.name == record.name and other.status is Status.ENABLED:
                raise BadOffer(f"a plugin of this name is loaded already, from {other.origin}")

    def _take(self, record: Record, load: Callable[[], Any]) -> list[tuple[Kind, str, type]]:
        plugin = load()
        self.manager.register(plugin, record.name)
        self.manager.check_pending()
        if not self.manager.get_hookcallers(plugin):
            raise BadOffer("it has no hook; mark its functions with @hookimpl of stockhook.plugin")
        offers: list[tuple[Kind, str, type]] = []
        for kind, offered in self._offered(plugin):
            name = check_class(kind, offered)
            first = self.offered_by.get((kind, name))
            if first or (kind, name) in [(one, other) for one, other, _ in offers]:
                by = f"plugin {first.name} ({first.origin})" if first else "this plugin itself"
                raise BadOffer(f"{kind} {name!r} is offered by {by} already; disable one, or name it differently")
            offers.append((kind, name, offered))
        return offers

    def _offered(self, plugin: Any) -> Iterator[tuple[Kind, Any]]:
        """Call the plugin's own registration hooks and yield what they return."""
        for hook, kind in HOOKS.items():
            for implementation in getattr(self.manager.hook, hook).get_hookimpls():
                if implementation.plugin is not plugin:
                    continue
                if implementation.wrapper or implementation.hookwrapper:
                    raise BadOffer(f"{hook}: a registration hook cannot be a wrapper")
                found = implementation.function()
                if not isinstance(found, list | tuple):
                    raise BadOffer(f"{hook}: expected a list of classes, found {type(found).__name__}")
                yield from ((kind, offered) for offered in found)
