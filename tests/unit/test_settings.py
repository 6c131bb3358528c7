import builtins
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel, Field

from stockhook import settings
from stockhook.config.document import examine
from stockhook.errors import ConfigError
from stockhook.model import KitPolicy
from stockhook.plugin import PluginOptions, Secret
from stockhook.plugin_manager import Kind, Plugins, Record, Status
from stockhook.rules import ChannelRules, ShipRule, ShortagePolicy


class Inner(BaseModel, extra="forbid"):
    depth: int = 0


class HatchOptions(PluginOptions):
    token: Secret | tuple[Secret, ...]
    time_zone: str = "UTC"
    sender: str = Field(default="", alias="from")
    inner: Inner = Inner()


class Made:
    type: ClassVar[str] = "made"
    version: ClassVar[str] = "7"
    Options: ClassVar[builtins.type[PluginOptions]] = PluginOptions

    def __init__(self, options: Any) -> None:
        self.options = options


class Hatch(Made):
    Options = HatchOptions


class Choosy(Made):
    class Options(PluginOptions):
        min_days: int = 0

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        if options.min_days > 99:
            raise RuntimeError("no shelf is that long")


PLUGINS = Plugins(
    (
        Record("good", "good"),
        Record("broken", "broken", status=Status.FAILED, error="ImportError: nothing there"),
    ),
    {
        Kind.CHANNEL: {"ultracart": Hatch},
        Kind.STORE: {"sqlalchemy": Made},
        Kind.STRATEGY: {"fifo": Made, "fefo": Choosy},
        Kind.NOTIFIER: {"log": Made},
    },
)
SHOP = '[channels.shop]\ntoken = "CANARY"\n'


def resolve(text: str) -> settings.Settings:
    return settings.resolve(*_examined(text))


def _examined(text: str) -> tuple[Any, Plugins, list[str]]:
    tables, found = examine(tomllib.loads(text), Path("config.toml"))
    return tables, PLUGINS, found


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as error:
        resolve(text)
    assert "CANARY" not in str(error.value)
    return error.value.problems


def test_the_smallest_configuration_makes_a_channel_a_store_and_a_strategy() -> None:
    found = resolve(SHOP)
    channel = found.channels["shop"]
    assert isinstance(channel.channel, Hatch)
    assert channel.channel.options.token == Secret("CANARY")
    assert channel.rules == ChannelRules("shop", time_zone=ZoneInfo("America/New_York"))
    assert isinstance(found.store, Made)
    assert isinstance(found.strategy, Made)
    assert found.notifiers == {}
    assert found.payload_days == 30


def test_a_channel_has_the_rules_that_its_table_and_the_allocation_say() -> None:
    found = resolve(
        SHOP
        + """
        since = 2026-12-01T00:00:00Z
        time_zone = "Europe/Berlin"
        ship_rule = "line"
        kits = "parent"
        [channels.shop.distribution_centers]
        Dflt = ["MAIN/FG"]
        VENDOR = "ignore"
        [channels.other]
        token = "CANARY"
        on_shortage = "partial"
        [allocation]
        locations = ["MAIN"]
        on_shortage = "order"
        """
    )
    assert found.channels["shop"].rules == ChannelRules(
        "shop",
        ship_rule=ShipRule.LINE,
        since=datetime(2026, 12, 1, tzinfo=UTC),
        time_zone=ZoneInfo("Europe/Berlin"),
        kits=KitPolicy.PARENT,
        on_shortage=ShortagePolicy.ORDER,
        centers={"dflt": ("MAIN/FG",), "vendor": None},
        locations=("MAIN",),
    )
    assert found.channels["other"].rules.on_shortage is ShortagePolicy.PARTIAL


def test_a_shared_option_reaches_the_class_that_has_it_too() -> None:
    channel = resolve(SHOP + 'time_zone = "Europe/Berlin"').channels["shop"].channel
    assert isinstance(channel, Hatch)
    assert channel.options.time_zone == "Europe/Berlin"


def test_a_strategy_takes_options_in_a_table() -> None:
    found = resolve(SHOP + '[allocation]\nstrategy = { type = "fefo", min_days = 30 }')
    assert isinstance(found.strategy, Choosy)
    assert found.strategy_options == {"min_days": 30}


def test_a_notifier_says_what_it_is_told_and_how_often() -> None:
    found = resolve(
        SHOP + '[notifiers.all]\ntype = "log"\n[notifiers.one]\ntype = "log"\non = ["no-items"]\nper_hour = 1'
    )
    assert found.notifiers["all"].on is None
    assert (found.notifiers["one"].on, found.notifiers["one"].per_hour) == (frozenset({"no-items"}), 1)


def test_payloads_are_kept_for_ever_with_zero_days() -> None:
    assert resolve(SHOP + "[retention]\npayload_days = 0").payload_days is None


def test_problems_of_both_steps_come_together() -> None:
    found = problems(
        SHOP.replace("token", "tokne")
        + """
        ship_rul = "line"
        from = 3
        [channels.shop.inner]
        dept = 2
        [log]
        level = "loud"
        [plugins]
        disabled = ["godo"]
        [store]
        url = "CANARY"
        [allocation]
        strategy = { type = "fefo", min_days = "CANARY" }
        [notifiers.ops]
        type = "smtp"
        """
    )
    assert found == [
        "log.level: expected 'debug', 'info', 'warning' or 'error', found \"loud\"",
        "plugins.disabled[0]: no plugin is named 'godo'; did you mean good?",
        "store.url: unknown option",
        "allocation.strategy.min_days: expected a whole number",
        "channels.shop.token: this option is required",
        "channels.shop.from: expected a text in quotes",
        "channels.shop.inner.dept: unknown option; did you mean depth?",
        "channels.shop.tokne: unknown option; did you mean token?",
        "channels.shop.ship_rul: unknown option; did you mean ship_rule?",
        (
            "notifiers.ops.type: no plugin offers 'smtp' (known: log); these plugins failed to load: "
            "broken (ImportError: nothing there)"
        ),
    ]


def test_a_failed_plugin_that_nothing_asks_for_does_no_harm() -> None:
    assert [record.name for record in resolve(SHOP).plugins.records] == ["good", "broken"]


def test_a_strategy_by_name_is_reported_where_the_name_stands() -> None:
    (line,) = problems(SHOP + '[allocation]\nstrategy = "fefoo"')
    assert line.startswith("allocation.strategy: no plugin offers 'fefoo' (known: fefo, fifo); did you mean fefo?")


def test_each_way_to_write_an_option_is_named_once() -> None:
    assert problems(SHOP.replace('"CANARY"', "{ evn = 'CANARY' }")) == [
        (
            'channels.shop.token: expected a text, { env = "NAME" }, { file = "PATH" } or { credential = "NAME" }, '
            "or expected a list"
        )
    ]


def test_a_secret_that_is_not_there_is_named_by_its_place() -> None:
    assert problems(SHOP.replace('"CANARY"', '{ env = "STOCKHOOK_NO_SUCH_NAME" }')) == [
        "channels.shop.token: the environment variable STOCKHOOK_NO_SUCH_NAME is not set, or expected a list"
    ]


def test_a_class_that_cannot_be_made_is_a_problem_and_no_crash() -> None:
    assert problems(SHOP + '[allocation]\nstrategy = { type = "fefo", min_days = 100 }') == [
        "allocation.strategy: cannot be set up: RuntimeError: no shelf is that long"
    ]
