import re
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from stockhook import config, plugin_manager, settings
from stockhook.config.report import option_names
from stockhook.config.tables import SINGLE, ChannelTable, NotifierTable, RuleTable, StrategyTable
from stockhook.plugin_manager import Kind

EXAMPLE = Path(__file__).parents[2] / "config.toml.example"
TOKEN = "0123456789abcdef"


@pytest.fixture(autouse=True)
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the example the secrets that it takes from elsewhere."""
    monkeypatch.setenv("STOCKHOOK_SHOP_TOKEN", TOKEN)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    for name in ("shop-password", "smtp-password"):
        (tmp_path / name).write_text("secret")


def complete(folder: Path) -> str:
    """Return the example with every commented option set."""
    certificate = folder / "ca.pem"
    certificate.touch()
    text = re.sub(r"^#(?=[a-zA-Z_]+ = |\[)", "", EXAMPLE.read_text(), flags=re.MULTILINE)
    return text.replace("/etc/stockhook/mail-ca.pem", str(certificate))


def test_the_example_loads() -> None:
    found = settings.load(EXAMPLE)
    assert list(found.channels) == ["shop"]
    assert found.notifiers == {}


def test_the_example_shows_every_option_at_its_default(tmp_path: Path) -> None:
    least = tmp_path / "config.toml"
    least.write_text('[channels.shop]\nmerchant_id = "DEMO"\ntoken = { env = "STOCKHOOK_SHOP_TOKEN" }\n')
    shown, default = config.load(EXAMPLE), config.load(least)
    for name in SINGLE:
        assert getattr(shown, name) == getattr(default, name), name
    assert shown.channels["shop"][0] == default.channels["shop"][0]
    store = plugin_manager.load().find(Kind.STORE, default.store.type, "store.type")
    assert store.Options.model_validate(shown.store.options) == store.Options()


def test_what_the_example_has_commented_out_holds_too(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(complete(tmp_path))
    found = settings.load(path)
    assert list(found.notifiers) == ["office", "journal"]
    assert found.channels["shop"].rules.centers == {"dflt": ("MAIN/FG",), "vendor": None}
    chosen = [rule.strategy.options for rule in found.rules if rule.strategy]
    assert chosen == [{"min_shelf_life_days": 30, "expires_on": "exclusive"}]


def test_the_example_names_every_option_there_is(tmp_path: Path) -> None:
    shown: dict[str, Any] = tomllib.loads(complete(tmp_path))
    for name, model in SINGLE.items():
        assert set(shown[name]) == set(option_names(model)), name
    assert set(shown["allocation"]["rules"][0]) == set(option_names(RuleTable))
    assert set(shown["allocation"]["rules"][0]["strategy"]) == {"type", *option_names(StrategyTable)}
    plugins = plugin_manager.load()
    tables = [
        (Kind.STORE, shown["store"], {"type"}),
        (Kind.CHANNEL, shown["channels"]["shop"], set(option_names(ChannelTable))),
        (Kind.NOTIFIER, shown["notifiers"]["office"], set(option_names(NotifierTable))),
    ]
    for kind, table, shared in tables:
        offered = plugins.find(kind, table["type"], kind)
        assert set(table) == shared | set(option_names(offered.Options)), kind


def test_every_option_has_a_sentence_above_it() -> None:
    lines = EXAMPLE.read_text().splitlines()
    for above, line in pairwise(lines):
        if re.match(r"#?\w+ = ", line) and not re.match(r"#?\w+ = ", above) and not above.startswith("#["):
            assert above.startswith("# "), line
