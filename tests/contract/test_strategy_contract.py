"""The strategies in the box keep the contract that every strategy keeps."""

from typing import Any

import pytest

from stockhook.plugin import InnerStrategy, Strategy
from stockhook.testing import StrategyContract
from stockhook_plugins.strategies import stockhook_register_strategies

BUNDLED: dict[str, Any] = {offered.type: offered for offered in stockhook_register_strategies()}


def made(name: str, **options: Any) -> Any:
    return BUNDLED[name](BUNDLED[name].Options(**options))


GREEDY = {
    **{name: made(name) for name in BUNDLED if name not in ("chain", "whole-units")},
    "single-lot, by fefo, else largest": made("single-lot", inner=made("fefo"), otherwise=made("largest")),
    "chain": made("chain", strategies=[made("exact"), made("single-unit"), made("fifo")]),
    "chain in a chain": made(
        "chain", strategies=[made("single-lot"), made("chain", strategies=[made("fewest-units")])]
    ),
}
ALL_OR_NOTHING = {
    **{name: made(name, otherwise="shortage") for name in ("fewest-units", "single-lot")},
    "chain": made("chain", strategies=[made("exact"), made("single-unit", otherwise="shortage")]),
}
WHOLE = {
    "whole-units": made("whole-units"),
    "single-lot of whole units": made("single-lot", inner=made("whole-units"), otherwise=made("whole-units")),
}


@pytest.mark.parametrize("name", GREEDY)
class TestGreedyStrategies(StrategyContract):
    @pytest.fixture
    def strategy(self, name: str) -> Strategy:
        found: Strategy = GREEDY[name]
        return found


@pytest.mark.parametrize("name", ALL_OR_NOTHING)
class TestStrategiesThatWouldRatherBeShort(StrategyContract):
    greedy = False

    @pytest.fixture
    def strategy(self, name: str) -> Strategy:
        found: Strategy = ALL_OR_NOTHING[name]
        return found


@pytest.mark.parametrize("name", WHOLE)
class TestStrategiesThatNeverSplit(StrategyContract):
    greedy = False
    monotone = False

    @pytest.fixture
    def strategy(self, name: str) -> Strategy:
        found: Strategy = WHOLE[name]
        return found


def test_the_box_holds_what_it_says() -> None:
    assert set(BUNDLED) == {
        *("fifo", "lifo", "fefo", "lefo", "lowest-cost", "highest-cost"),
        *("location", "priority", "largest", "smallest"),
        *("exact", "fewest-units", "single-unit", "single-lot", "whole-units", "pinned", "chain"),
    }


def test_a_strategy_that_holds_others_says_how_it_is_written() -> None:
    assert InnerStrategy(made("fifo")).written() == "fifo"
    assert made("exact").options.model_dump(mode="json") == {"otherwise": "fifo"}
    assert made("exact", otherwise="shortage").options.model_dump(mode="json") == {"otherwise": "shortage"}
