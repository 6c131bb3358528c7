import builtins
import tomllib
from collections.abc import Sequence
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
from stockhook.plugin import InnerStrategy, Need, Offer, Otherwise, Pick, PluginOptions, Secret
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

    def plan(self, need: Need, units: Sequence[Offer]) -> list[Pick]:
        return []


class Hatch(Made):
    Options = HatchOptions


class Fifo(Made):
    type = "fifo"


class Choosy(Made):
    type = "fefo"

    class Options(PluginOptions):
        min_days: int = 0

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        if options.min_days > 99:
            raise RuntimeError("no shelf is that long")


class Nest(Made):
    type = "nest"

    class Options(PluginOptions):
        inner: InnerStrategy = Field(default="fefo")  # type: ignore[assignment]  # made when it is resolved
        more: tuple[InnerStrategy, ...] = ()
        otherwise: Otherwise = Field(default="shortage")  # type: ignore[assignment]


class Hen(Made):
    type = "hen"

    class Options(PluginOptions):
        inner: InnerStrategy = Field(default="egg")  # type: ignore[assignment]


class Egg(Made):
    type = "egg"

    class Options(PluginOptions):
        inner: InnerStrategy = Field(default="hen")  # type: ignore[assignment]


PLUGINS = Plugins(
    (
        Record("good", "good"),
        Record("broken", "broken", status=Status.FAILED, error="ImportError: nothing there"),
    ),
    {
        Kind.CHANNEL: {"ultracart": Hatch},
        Kind.STORE: {"sqlalchemy": Made},
        Kind.STRATEGY: {"fifo": Fifo, "fefo": Choosy, "nest": Nest, "hen": Hen, "egg": Egg},
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
    assert isinstance(found.strategy.strategy, Made)
    assert found.rules == ()
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
        restock_reasons = [" Unwanted ", "DAMAGED"]
        restock_to = "MAIN/RETURNS"
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
        restock_reasons=frozenset({"unwanted", "damaged"}),
        restock_to="MAIN/RETURNS",
    )
    assert found.channels["other"].rules.on_shortage is ShortagePolicy.PARTIAL


def test_a_shared_option_reaches_the_class_that_has_it_too() -> None:
    channel = resolve(SHOP + 'time_zone = "Europe/Berlin"').channels["shop"].channel
    assert isinstance(channel, Hatch)
    assert channel.options.time_zone == "Europe/Berlin"


def test_a_strategy_takes_options_in_a_table() -> None:
    found = resolve(SHOP + '[allocation]\nstrategy = { type = "fefo", min_days = 30 }')
    assert isinstance(found.strategy.strategy, Choosy)
    assert found.strategy.options == {"min_days": 30}


def test_what_a_strategy_may_be_offered_is_told_in_its_table_and_kept_from_the_class() -> None:
    chosen = '{ type = "fefo", min_days = 3, min_shelf_life_days = 30, expires_on = "exclusive" }'
    found = resolve(SHOP + f"[allocation]\nstrategy = {chosen}").strategy
    assert (found.min_shelf_life_days, found.last_day_good) == (30, False)
    assert found.options == {"min_days": 3, "min_shelf_life_days": 30, "expires_on": "exclusive"}


def test_rules_are_kept_in_order_with_the_strategies_they_choose() -> None:
    found = resolve(
        SHOP
        + """
        [[allocation.rules]]
        item = " SOAP-* "
        channel = "shop"
        strategy = { type = "fefo", min_shelf_life_days = 7 }
        [[allocation.rules]]
        distribution_center = "WEST"
        locations = ["WEST/COLD", "WEST"]
        """
    )
    first, second = found.rules
    assert first.strategy is not None
    assert isinstance(first.strategy.strategy, Choosy)
    assert (first.number, first.item, first.channel, first.center, first.locations) == (1, "SOAP-*", "shop", None, None)
    assert (first.strategy.min_shelf_life_days, first.strategy.options) == (
        7,
        {"min_days": 0, "min_shelf_life_days": 7},
    )
    assert (second.number, second.center, second.locations) == (2, "WEST", ("WEST/COLD", "WEST"))
    assert second.strategy is None


def test_a_strategy_in_a_rule_is_checked_where_it_stands() -> None:
    rules = """
        [[allocation.rules]]
        item = "A"
        strategy = "fefoo"
        [[allocation.rules]]
        item = "B"
        strategy = { type = "fefo", min_days = "x", min_shelf_life_days = -1, expires_on = "never", mindays = 1 }
        """
    found = problems(SHOP + rules)
    assert found[0].startswith("allocation.rules[0].strategy: no plugin offers 'fefoo'")
    assert found[1:] == [
        "allocation.rules[1].strategy.min_shelf_life_days: expected greater than or equal to 0, found -1",
        "allocation.rules[1].strategy.expires_on: expected 'inclusive' or 'exclusive', found \"never\"",
        "allocation.rules[1].strategy.min_days: expected a whole number",
        "allocation.rules[1].strategy.mindays: unknown option; did you mean min_days?",
    ]


def test_a_strategy_holds_others_by_name_in_a_table_in_a_list_and_by_default() -> None:
    text = """[allocation]
        strategy = { type = "nest", inner = { type = "fefo", min_days = 3 }, more = ["fifo", { type = "nest" }] }
        """
    found = resolve(SHOP + text).strategy
    assert isinstance(found.strategy, Nest)
    options = found.strategy.options
    assert isinstance(options.inner.strategy, Choosy)
    assert options.inner.strategy.options.min_days == 3
    assert [one.type for one in options.more] == ["fifo", "nest"]
    assert options.otherwise is None
    assert found.options == {
        "inner": {"type": "fefo", "min_days": 3},
        "more": ["fifo", {"type": "nest", "inner": "fefo", "otherwise": "shortage"}],
        "otherwise": "shortage",
    }


def test_what_is_wrong_with_a_strategy_inside_another_is_told_with_its_whole_path() -> None:
    text = """[allocation]
        strategy = { type = "nest", odd = 1, more = ["fifo", { type = "fefo", min_day = 3 }, "fefoo", 7], inner = 3, \
otherwise = { type = "fefo", min_shelf_life_days = 3 } }
        """.replace("\\\n", "")
    found = [line.partition(" (known")[0] for line in problems(SHOP + text)]
    assert found == [
        "allocation.strategy.more[1].min_day: unknown option; did you mean min_days?",
        "allocation.strategy.more[2]: no plugin offers 'fefoo'",
        (
            "allocation.strategy.otherwise.min_shelf_life_days: this option is one of the outermost strategy's table; "
            "it holds for all of it"
        ),
        'allocation.strategy.inner: expected the name of a strategy, or a table like { type = "fefo" }',
        'allocation.strategy.more[3]: expected the name of a strategy, or a table like { type = "fefo" }',
        "allocation.strategy.odd: unknown option",
    ]


def test_strategies_that_hold_each_other_by_default_are_no_endless_matter() -> None:
    assert problems(SHOP + '[allocation]\nstrategy = "hen"') == [
        "allocation.strategy.inner.inner: by default it would hold itself (hen in egg in hen); name another strategy"
    ]
    assert resolve(SHOP + '[allocation]\nstrategy = { type = "hen", inner = "fifo" }').strategy.options == {
        "inner": "fifo"
    }


def test_a_strategy_is_made_from_what_a_person_writes() -> None:
    assert settings.strategy(PLUGINS, {"type": "fefo", "min_days": 4}).options == {"min_days": 4}
    with pytest.raises(ConfigError, match="strategy: no plugin offers 'fefoo'"):
        settings.strategy(PLUGINS, "fefoo")


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
    assert line.startswith(
        "allocation.strategy: no plugin offers 'fefoo' (known: egg, fefo, fifo, hen, nest); did you mean fefo?"
    )


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
