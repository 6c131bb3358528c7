import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockhook import config
from stockhook.config.document import examine
from stockhook.config.tables import SINGLE
from stockhook.config.values import Address, parse_address, parse_size
from stockhook.errors import ConfigError
from stockhook.model import KitPolicy
from stockhook.rules import ShipRule
from stockhook.secret import stand_ins

SHOP = '[channels.shop]\ntoken = "CANARY-token"\n'
HASH = "$argon2id$v=19$m=8,t=1,p=1$dMCAku0KIiBPw+wlRXwl4g$KWhnMzgZLIpmh5WXxhMZ+yxRXlgUWFmbWMqIuZVICyM"
HERE = Path("config.toml")


def read(text: str) -> tuple[config.Config, list[str]]:
    return examine(tomllib.loads(text), HERE)


def problems(text: str) -> list[str]:
    return read(SHOP + text)[1]


def test_one_channel_is_all_that_a_configuration_needs() -> None:
    found, wrong = read(SHOP)
    assert wrong == []
    shared, own = found.channels["shop"]
    assert own == config.PluginTable("ultracart", {"token": "CANARY-token"})
    assert (shared.time_zone.key, shared.ship_rule, shared.kits) == (
        "America/New_York",
        ShipRule.AUTO,
        KitPolicy.COMPONENTS,
    )
    assert str(found.server.listen) == "127.0.0.1:8460"
    assert str(found.admin.listen) == "127.0.0.1:8461"
    assert (found.limits.body, found.limits.in_flight) == (10 * 2**20, 32 * 2**20)
    assert found.store == config.PluginTable("sqlalchemy")
    assert found.allocation.strategy == "fifo"


def test_a_configuration_without_a_channel_is_refused() -> None:
    assert read("")[1] == ["channels: no channel is configured; add a table [channels.shop] with its token"]


def test_all_problems_are_told_at_once_each_with_its_path() -> None:
    found = problems(
        """
        ship_rule = "lin"
        since = 2026-12-01T00:00:00
        [server]
        lisen = "127.0.0.1:1"
        [limits]
        batch = true
        body = "ten"
        [retention]
        payload_days = -1
        [nonsense]
        """
    )
    assert found == [
        "nonsense: unknown option",
        "server.lisen: unknown option; did you mean listen?",
        'limits.body: expected a size like "10 MiB", "500 kB" or a number of bytes, found "ten"',
        "limits.batch: expected a whole number, found true",
        "retention.payload_days: expected greater than or equal to 0, found -1",
        (
            "channels.shop.since: expected a time with an offset, without quotes, like 2026-12-01T00:00:00Z, "
            "found 2026-12-01 00:00:00"
        ),
        "channels.shop.ship_rule: expected 'auto', 'line' or 'order', found \"lin\"; did you mean line?",
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[server]\nlisten = 8460", 'server.listen: expected "HOST:PORT", "[::1]:PORT" or "unix:/path"'),
        ('[server]\npublic_url = "ftp://x"', "server.public_url: expected an address like"),
        ('[log]\nlevel = "inf"', "did you mean info?"),
        ("[limits]\nconnections = 0", "limits.connections: expected greater than or equal to 1, found 0"),
        ('[limits]\nin_flight = "1 MiB"', "limits.in_flight: expected at least limits.body"),
        ('[plugins]\ndirectory = ""', "plugins.directory: expected the path of a folder"),
        ("[plugins]\ndisabled = 3", "plugins.disabled: expected a list, found 3"),
        ("[store]\ntype = 3", "store.type: expected the name of a store in quotes"),
        ("[allocation]\nstrategy = { min = 3 }", "allocation.strategy: expected the name of a strategy, or a table"),
        (
            '[[allocation.rules]]\nstrategy = "lifo"',
            "allocation.rules[0]: this rule matches nothing; expected item, channel or distribution_center",
        ),
        (
            '[[allocation.rules]]\nitem = "SOAP-*"',
            "allocation.rules[0]: this rule chooses nothing; expected strategy or locations",
        ),
        (
            '[[allocation.rules]]\nitem = " "\nstrategy = "lifo"',
            'allocation.rules[0].item: expected a code in quotes, like "SOAP" or, of items, "SOAP-*", found " "',
        ),
        (
            '[[allocation.rules]]\nitm = "SOAP-*"\nchannel = "shop"\nstrategy = "lifo"',
            "allocation.rules[0].itm: unknown option; did you mean item?",
        ),
        (
            '[[allocation.rules]]\nchannel = "shpo"\nlocations = ["MAIN"]',
            'allocation.rules[0].channel: no channel is named "shpo"; did you mean shop?',
        ),
        (
            '[[allocation.rules]]\nitem = "A"\nlocations = ["/FG"]',
            'allocation.rules[0].locations[0]: expected a location path like "MAIN/FG"',
        ),
        (
            '[[allocation.rules]]\nitem = "A"\nstrategy = 3',
            "allocation.rules[0].strategy: expected the name of a strategy, or a table",
        ),
        ("[allocation]\nrules = 3", "allocation.rules: expected a list"),
        (
            '[allocation]\nlocations = ["MAIN", "/FG"]',
            'allocation.locations[1]: expected a location path like "MAIN/FG"',
        ),
        ('[allocation]\non_shortage = "negativ"', "did you mean negative?"),
        (
            '[channels.back]\ntype = "ultracart"\nrestock_reasons = [" "]',
            "restock_reasons[0]: expected a reason as the store writes it",
        ),
        (
            '[channels.back]\ntype = "ultracart"\nrestock_to = "MAIN/"',
            'restock_to: expected a location path like "MAIN/FG"',
        ),
        ('[channels.shop.distribution_centers]\nA = "ignor"', "distribution_centers.A: expected a list of locations"),
        ("[channels.shop.distribution_centers]\nA = []", "distribution_centers.A: expected a list of locations"),
        ('[channels."my shop"]', 'channels."my shop": expected a name of at most 64 letters'),
        ("[channels]\nx = 3", "channels.x: expected a table, written [channels.NAME]"),
        ("[notifiers.ops]", "notifiers.ops.type: this option is required"),
        ('[notifiers.ops]\ntype = "log"\non = ["unknown-itm"]', "did you mean unknown-item?"),
        ('[notifiers.ops]\ntype = "log"\nper_hour = "5"', "notifiers.ops.per_hour: expected a whole number"),
    ],
)
def test_a_bad_option_is_named_with_what_was_expected(text: str, line: str) -> None:
    found = problems(text)
    assert [problem for problem in found if line in problem], found
    assert len(found) == 1


def test_a_time_zone_is_one_of_the_system() -> None:
    assert (
        'channels.shop.time_zone: expected the name of a time zone, like "America/New_York" or "UTC"'
        in (problems('time_zone = "Mars/Olympus"')[0])
    )


def test_the_pages_are_never_let_out_of_the_machine() -> None:
    (line,) = problems('[admin]\nlisten = "0.0.0.0:9000"')
    assert line.startswith(
        "admin.listen: 0.0.0.0:9000 can be reached from other machines, which needs admin.password_hash"
    )
    (wrong,) = problems('[admin]\nlisten = "0.0.0.0:9000"\npassword_hash = "CANARY"')
    assert wrong.startswith('admin.password_hash: expected a hash like "$argon2id$')
    assert "CANARY" not in wrong
    assert problems(f'[admin]\nlisten = "0.0.0.0:9000"\npassword_hash = "{HASH}"') == []


def test_a_hash_that_only_the_daemon_can_read_is_no_problem_beside_it() -> None:
    kept = '[admin]\npassword_hash = { env = "STOCKHOOK_TEST_NO_SUCH_VARIABLE" }'
    assert problems(kept) == [
        "admin.password_hash: the environment variable STOCKHOOK_TEST_NO_SUCH_VARIABLE is not set"
    ]
    with stand_ins():
        assert problems(kept) == []
        assert len(problems('[admin]\npassword_hash = "in plain words"')) == 1


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ('name = "erp"\nhash = "CANARY-a-token-itself"', 'hash: expected "sha256:" and 64 hex digits'),
        (f'name = "a b"\nhash = "sha256:{64 * "0"}"', "name: expected a name of at most 64 letters"),
        (f'name = "local"\nhash = "sha256:{64 * "0"}"', 'other than "local"'),
        (f'name = "erp"\nhash = "sha256:{64 * "0"}"\nscope = "all"', "scope: expected 'read' or 'write'"),
    ],
)
def test_a_bad_token_is_named_and_never_shown(token: str, expected: str) -> None:
    (line,) = problems(f"[[admin.tokens]]\n{token}")
    assert line.startswith("admin.tokens[0].")
    assert expected in line
    assert "CANARY" not in line


def test_two_tokens_of_one_name_could_not_be_told_apart() -> None:
    one = f'[[admin.tokens]]\nname = "erp"\nhash = "sha256:{64 * "0"}"\n'
    (line,) = problems(one + one)
    assert line.startswith("admin.tokens: 2 tokens are named erp")


@pytest.mark.parametrize("server", ["127.0.0.1:8461", "0.0.0.0:8461"])
def test_the_pages_never_share_the_address_of_the_webhooks(server: str) -> None:
    (line,) = problems(f'[server]\nlisten = "{server}"')
    assert "is where server.listen" in line


@pytest.mark.parametrize("address", ["0.0.0.0:9000", "127.0.0.1:9000", "unix:/run/a.sock"])
def test_the_pages_may_be_where_the_webhooks_are_once_they_ask_for_a_password(address: str) -> None:
    same = f'[server]\nlisten = "{address}"\n[admin]\nlisten = "{address}"'
    assert "is where server.listen" in problems(same)[-1]
    assert problems(f'{same}\npassword_hash = "{HASH}"') == []
    (nearly,) = problems(f'[server]\nlisten = "0.0.0.0:8461"\n[admin]\npassword_hash = "{HASH}"')
    assert "expected another port, or the very same address" in nearly


def test_a_unix_socket_is_good_for_either_listener() -> None:
    found, wrong = read(SHOP + '[server]\nlisten = "unix:/run/a.sock"\n[admin]\nlisten = "unix:/run/b.sock"')
    assert wrong == []
    assert found.server.listen == Address(path="/run/a.sock")
    assert problems('[server]\nlisten = "unix:/run/a.sock"\n[admin]\nlisten = "unix:/run/a.sock"')


def test_centers_are_lists_of_locations_or_ignored() -> None:
    found, wrong = read(SHOP + '[channels.shop.distribution_centers]\nDFLT = ["MAIN/FG", "MAIN"]\nVENDOR = "ignore"')
    assert wrong == []
    assert found.channels["shop"][0].distribution_centers == {"DFLT": ("MAIN/FG", "MAIN"), "VENDOR": None}


def test_a_relative_plugin_folder_lies_beside_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(SHOP + '[plugins]\ndirectory = "mine"')
    assert config.load(path).plugins.directory == tmp_path / "mine"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"[server]\nlisten = \n", "line 2, column 10: Invalid value"),
        (b"a = 1\nb = '\xff'", "line 2: expected UTF-8 text"),
        (b"x = " + b"[" * 100_000, ""),
        (b"x = " + b"1" * 10_000, ""),
    ],
    ids=["syntax", "encoding", "depth", "digits"],
)
def test_a_file_that_is_no_toml_is_told_with_its_line(tmp_path: Path, raw: bytes, said: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(raw)
    with pytest.raises(ConfigError) as error:
        config.load(path)
    assert error.value.problems[0].startswith(f"{path}: {said}")


def test_a_missing_file_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="stockhook init --config"):
        config.load(tmp_path / "none.toml")


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from(["CANARY", "https://u:CANARY@h", "auto", 0, 1, -1, True, 1.5, ""]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["type", "x"]), inner, max_size=2),
    max_leaves=3,
)
OPTIONS = sorted(
    {name for model in SINGLE.values() for name in model.model_fields} | {"type", "token", "password", "on"}
)
TABLES = st.dictionaries(st.sampled_from(OPTIONS), VALUES, max_size=4)
DOCUMENTS = st.dictionaries(
    st.sampled_from([*SINGLE, "store", "unknown"]), TABLES | VALUES, max_size=4
) | st.fixed_dictionaries({"channels": st.dictionaries(st.sampled_from(["shop", "a b"]), TABLES | VALUES, max_size=2)})


@given(DOCUMENTS)
def test_whatever_is_written_each_problem_is_one_line_that_begins_with_a_path(document: dict[str, Any]) -> None:
    _, found = examine(document, HERE)
    for line in found:
        path, _, text = line.partition(": ")
        assert path.split(".")[0].split("[")[0] in {*SINGLE, "store", "unknown", "channels"}
        assert text
        assert "\n" not in line


@given(
    st.sampled_from(["store", "channels.shop", "notifiers.ops"]), st.sampled_from(["token", "tokne", "url", "password"])
)
def test_what_a_plugin_takes_is_never_shown(table: str, option: str) -> None:
    for value in ('"CANARY"', "{ evn = 'CANARY' }", "['CANARY']"):
        text = f"[{table}]\n{option} = {value}\n" + ("" if table == "channels.shop" else SHOP)
        assert "CANARY" not in str(read(text)[1])


def test_an_address_with_a_password_in_it_is_not_shown() -> None:
    (line,) = problems('[server]\npublic_url = "https://user:CANARY@example.com"')
    assert "CANARY" not in line


@given(st.integers(1, 2**20), st.sampled_from([("", 1), ("kB", 1000), ("KiB", 1024), ("MiB", 2**20), ("mb", 10**6)]))
def test_a_size_is_a_number_times_its_unit(number: int, unit: tuple[str, int]) -> None:
    assert parse_size(f"{number} {unit[0]}".strip()) == parse_size(f"{number}{unit[0]}") == number * unit[1]


@pytest.mark.parametrize("value", ["", "1 XiB", "-1 MiB", "1.5 MiB", 0, -1, True, 1.5, None, "9999999 GiB"])
def test_what_is_no_size_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="expected a size"):
        parse_size(value)


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("127.0.0.1:1", True),
        ("[::1]:80", True),
        ("localhost:0", True),
        ("unix:/run/x", True),
        ("0.0.0.0:1", False),
        ("[::]:1", False),
        ("192.168.1.1:1", False),
        ("example.com:1", False),
    ],
)
def test_an_address_knows_whether_only_this_machine_reaches_it(text: str, local: bool) -> None:
    address = parse_address(text)
    assert address.local is local
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    "text", ["", ":80", "host", "host:", "host:65536", "[::1]", "[nope]:1", "unix:x", "*:80", "a b:1"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_address(text)


def test_a_free_port_is_never_the_same_one() -> None:
    assert not parse_address("127.0.0.1:0").overlaps(parse_address("127.0.0.1:0"))
