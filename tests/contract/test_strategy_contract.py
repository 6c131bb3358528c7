"""The ten strategies in the box keep the contract that every strategy keeps."""

import pytest

from stockhook.plugin import Strategy
from stockhook.testing import StrategyContract
from stockhook_plugins.strategies import stockhook_register_strategies

BUNDLED = {offered.type: offered for offered in stockhook_register_strategies()}


@pytest.mark.parametrize("name", BUNDLED)
class TestBundledStrategies(StrategyContract):
    @pytest.fixture
    def strategy(self, name: str) -> Strategy:
        return BUNDLED[name](BUNDLED[name].Options())


def test_the_box_holds_the_ten_rotating_strategies() -> None:
    assert set(BUNDLED) == {
        *("fifo", "lifo", "fefo", "lefo", "lowest-cost", "highest-cost"),
        *("location", "priority", "largest", "smallest"),
    }
