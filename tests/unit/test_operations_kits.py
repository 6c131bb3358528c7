import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from stockhook.cli import main
from stockhook.model import Item, Kit, KitPolicy, Part, Problem, ProblemState
from stockhook.operations import items, problems
from stockhook.operations.kits import all_faults, faults
from stockhook.quantity import ONE
from stockhook.rules import ChannelRules
from stockhook.testing.payloads import envelope, kit, line, order_ship
from stockhook.testing.shop import Shop
from stockhook_plugins.channels.ultracart.channel import UltraCart
from stockhook_plugins.stores.memory import MemoryStore
from stockhook_plugins.stores.sqlalchemy import SqlStore
from stockhook_plugins.strategies.received import Fifo

SHIPPED = "2026-11-02T12:00:00-05:00"
Open = Callable[..., Shop]


@pytest.fixture
def opened() -> Iterator[Open]:
    store = MemoryStore()
    store.open()

    def shop(**rules: Any) -> Shop:
        channel = UltraCart(UltraCart.Options.model_validate({"merchant_id": "DEMO", "token": "t" * 32}))
        return Shop(store, channel, Fifo(Fifo.Options()), rules=ChannelRules("shop", **rules))

    yield shop
    store.close()


@pytest.fixture
def shop(opened: Open) -> Shop:
    return opened()


def told(shop: Shop) -> list[str]:
    with shop.store.read() as view:
        return [fault.text for fault in faults(view, shop.desk.policies.rules)]


def told_with_orders(shop: Shop) -> list[str]:
    with shop.store.read() as view:
        return [fault.text for fault in all_faults(view, shop.desk.policies.rules)]


class TestStockedBesideComponents:
    @pytest.mark.parametrize("policy", [None, KitPolicy.COMPONENTS])
    def test_finished_kits_that_are_never_taken_are_told_with_what_to_do(
        self, shop: Shop, policy: KitPolicy | None
    ) -> None:
        shop.items("B", "C")
        shop.kit("SET", policy, B=2, C=1)
        shop.stock(SET=5, B=10)
        (words,) = told(shop)
        where = "on channel shop" if policy is None else "by its own policy"
        assert words.startswith(f"kit SET has 5 finished in stock, and 10 of B beside it; {where} its components")
        assert "`stockhook items kit SET B=2 C=1 --policy stocked-first`" in words

    def test_it_is_about_what_a_nested_kit_holds_in_the_end(self, shop: Shop) -> None:
        shop.kit("INNER", C=3)
        shop.kit("SET", INNER=1)
        shop.stock(SET=1, C=3)
        assert [words.partition(" has ")[0] for words in told(shop)] == ["kit SET"]

    @pytest.mark.parametrize("stock", [{"SET": 5}, {"B": 5}, {}])
    def test_nothing_is_told_while_only_one_of_them_is_stocked(self, shop: Shop, stock: dict[str, int]) -> None:
        shop.items("B")
        shop.kit("SET", B=2)
        shop.stock(**stock)
        assert told(shop) == []

    @pytest.mark.parametrize("policy", [KitPolicy.PARENT, KitPolicy.STOCKED_FIRST])
    def test_nor_where_finished_kits_are_taken(self, opened: Open, policy: KitPolicy) -> None:
        shop = opened(kits=policy)
        shop.kit("SET", B=2)
        shop.kit("BOX", policy, B=2)
        shop.stock(SET=5, BOX=5, B=10)
        assert told(shop) == []

    def test_it_goes_away_with_its_cause(self, shop: Shop) -> None:
        shop.kit("SET", B=2)
        shop.stock(SET=5, B=10)
        assert len(told(shop)) == 1
        items.define_kit(shop.desk, "SET", [("B", 2 * ONE)], KitPolicy.STOCKED_FIRST)
        assert told(shop) == []


class TestDefinitions:
    """What cannot be saved by a command, and may be in a store all the same."""

    def save(self, shop: Shop, *records: Any) -> list[str]:
        with shop.store.write() as work:
            work.save(records)
        return told(shop)

    def test_a_definition_of_no_item_is_told(self, shop: Shop) -> None:
        (words,) = self.save(shop, Item("B"), Kit("SET", (Part("B", ONE),)))
        assert "kit SET is defined, but no item" in words

    def test_a_part_that_is_no_item_is_told(self, shop: Shop) -> None:
        (words,) = self.save(shop, Item("SET"), Kit("SET", (Part("B", ONE),)))
        assert "kit SET holds B, which is no item of ours" in words

    def test_half_a_piece_with_a_serial_number_is_told(self, shop: Shop) -> None:
        (words,) = self.save(shop, Item("SET"), Item("B", serial=True), Kit("SET", (Part("B", ONE // 2),)))
        assert "kit SET holds 0.5 of B, of which each piece has a serial number" in words

    def test_kits_that_contain_each_other_are_told_and_still_worked(self, shop: Shop) -> None:
        ring = [Kit("SET", (Part("BOX", ONE),)), Kit("BOX", (Part("SET", ONE), Part("B", ONE)))]
        words = self.save(shop, Item("SET"), Item("BOX"), Item("B"), *ring)
        assert words[0].startswith("kit BOX contains itself (BOX > SET > BOX)")
        assert words[1].startswith("kit SET contains itself (SET > BOX > SET)")
        shop.stock(B=5)
        shop.send(envelope(order_ship("D-1", [line("SET", 1, shipped=SHIPPED)])))
        assert shop.booked("D-1") == {"B": ONE}


class TestOrders:
    def mismatched(self, shop: Shop, order: str = "D-1", box: int = 2) -> None:
        shop.send(envelope(order_ship(order, kit("SET", 2, [("B", box)], index=1, shipped=SHIPPED))))

    def test_component_lines_that_do_not_sum_to_the_definition_are_told_until_they_do(self, shop: Shop) -> None:
        shop.stock(B=50)
        shop.kit("SET", B=3)
        self.mismatched(shop)
        (words,) = told_with_orders(shop)
        assert words == "kit SET came with 1 x B, and its definition says 3 x B; the order's were booked (problem 1)"
        self.mismatched(shop, "D-2", box=6)
        assert (shop.problems(), told_with_orders(shop)) == (set(), [])

    def test_a_corrected_definition_closes_the_problem_at_once(self, shop: Shop) -> None:
        shop.stock(B=50)
        shop.kit("SET", B=3)
        self.mismatched(shop)
        items.define_kit(shop.desk, "SET", [("B", 2 * ONE)], None)
        assert shop.problems() == {"kit-mismatch"}
        items.define_kit(shop.desk, "SET", [("B", ONE)], None)
        assert shop.problems() == set()

    def test_a_first_definition_closes_the_problem_of_a_kit_that_had_none(self, shop: Shop) -> None:
        shop.stock(B=50, SET=1)
        shop.send(envelope(order_ship("D-1", [line("SET", 1, kit=True, shipped=SHIPPED)])))
        assert shop.problems() == {"kit-mismatch"}
        items.define_kit(shop.desk, "SET", [("B", ONE)], None)
        assert shop.problems() == set()

    def test_an_older_order_that_agrees_does_not_close_it(self, shop: Shop) -> None:
        shop.stock(SET=1)
        shop.items("B")
        shop.kit("SET", B=3)
        self.mismatched(shop, "D-1", box=6)
        self.mismatched(shop, "D-2", box=2)
        shop.receive(("B", 50))
        assert shop.booked("D-1") == {"B": 6 * ONE}
        assert shop.problems() == {"kit-mismatch"}

    def test_what_was_acknowledged_is_not_told_again_until_it_differs(self, shop: Shop) -> None:
        shop.stock(B=50)
        shop.kit("SET", B=3)
        self.mismatched(shop)
        problems.acknowledge(shop.desk, 1)
        self.mismatched(shop, "D-2")
        assert shop.problems() == set()
        self.mismatched(shop, "D-3", box=4)
        assert [problem.id for problem in shop.find(Problem, state=ProblemState.OPEN)] == [2]

    def test_a_kit_of_the_store_that_is_no_item_is_told_where_finished_kits_would_be_taken(self, opened: Open) -> None:
        for policy, expected in ((KitPolicy.COMPONENTS, 0), (KitPolicy.STOCKED_FIRST, 1)):
            shop = opened(kits=policy)
            shop.stock(B=50)
            self.mismatched(shop)
            assert len(told_with_orders(shop)) == expected
        assert "SET is a kit of the store and no item of ours" in told_with_orders(shop)[0]


class TestCheck:
    @pytest.fixture
    def config(self, tmp_path: Path) -> Path:
        path = tmp_path / "stockhook.toml"
        path.write_text(
            f'[store]\nurl = "sqlite:///{tmp_path / "stock.db"}"\n'
            f'[channels.shop]\ntype = "ultracart"\nmerchant_id = "DEMO"\ntoken = "{"t" * 32}"\n'
        )
        return path

    def check(self, config: Path, *more: str) -> str:
        done = CliRunner().invoke(main, ["--config", str(config), "check", *more])
        assert done.exit_code == 0, done.output
        return done.stdout

    def store(self, config: Path) -> SqlStore:
        return SqlStore(SqlStore.Options.model_validate({"url": f"sqlite:///{config.parent / 'stock.db'}"}))

    def test_it_tells_of_kits_in_a_store_that_is_there(self, config: Path) -> None:
        store = self.store(config)
        store.open()
        channel = UltraCart(UltraCart.Options.model_validate({"merchant_id": "DEMO", "token": "t" * 32}))
        shop = Shop(store, channel, Fifo(Fifo.Options()))
        shop.kit("SET", B=2)
        shop.stock(SET=5, B=10)
        store.close()
        assert "\nlook  kit SET has 5 finished in stock" in self.check(config)
        said = json.loads(self.check(config, "--json"))
        assert ([fault["sku"] for fault in said["kits"]], said["kits_not_checked"]) == (["SET"], None)

    def test_it_makes_no_store_and_says_so(self, config: Path) -> None:
        assert f"not checked  kits: {config.parent / 'stock.db'} holds no store yet" in self.check(config)
        assert json.loads(self.check(config, "--json"))["kits"] is None
        assert sorted(path.name for path in config.parent.iterdir()) == ["stockhook.toml"]

    def test_it_brings_no_tables_up_to_date(self, config: Path) -> None:
        store = self.store(config)
        assert store.unprepared() is not None
        store.open()
        store.close()
        assert store.unprepared() is None
        import sqlite3

        with sqlite3.connect(config.parent / "stock.db") as database:
            database.execute("UPDATE alembic_version SET version_num = '0000'")
        database.close()
        assert "are 0000, and those of this stockhook" in self.check(config)

    def test_a_file_that_is_no_store_does_not_hide_that_the_configuration_holds(self, config: Path) -> None:
        (config.parent / "stock.db").write_bytes(b"no database at all" * 100)
        said = self.check(config)
        assert "ok  channel shop" in said
        assert "not checked  kits: " in said
