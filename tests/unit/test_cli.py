import json
import os
import subprocess
import sys
import tomllib
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from stockhook import __version__
from stockhook.cli import COMMANDS, main, output
from stockhook.cli.command import Group, Root
from stockhook.cli.context import DEFAULT_CONFIG, Context
from stockhook.errors import ConfigError, NotFound, Refused, StoreTooNew, StoreUnavailable


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(main, arguments, env={"STOCKHOOK_CONFIG": None, **environment}, prog_name="stockhook")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text('[store]\ntype = "memory"\n[channels.shop]\nmerchant_id = "DEMO"\ntoken = "0123456789abcdef"\n')
    return path


def test_every_command_in_the_table_exists_and_takes_config() -> None:
    context = click.Context(main)
    for name in COMMANDS:
        found = main.get_command(context, name)
        assert found is not None
        commands = found.commands.values() if isinstance(found, click.Group) else [found]
        for command in commands:
            own_config = name == "demo"  # it brings a shop of its own
            assert own_config or "config" in [parameter.name for parameter in command.params], command.name
            assert command.help, command.name


def test_an_unknown_command_is_wrong_usage() -> None:
    done = run("no-such-command")
    assert done.exit_code == 2
    assert "No such command" in done.output


def test_the_version_is_told_without_importing_what_commands_need() -> None:
    code = "import sys, stockhook.cli; print([n for n in ('pydantic', 'tornado', 'sqlalchemy') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert run("--version").output.strip().endswith(__version__)


def test_check_tells_what_holds(config: Path) -> None:
    done = run("check", "--config", str(config))
    assert (done.exit_code, done.stderr) == (0, "")
    assert "ok  store memory\nok  strategy fifo\nok  channel shop (ultracart)\n" in done.output


def test_check_opens_nothing(tmp_path: Path, config: Path) -> None:
    database = tmp_path / "stockhook.db"
    config.write_text(config.read_text().replace('"memory"', f'"sqlalchemy"\nurl = "sqlite:///{database}"'))
    assert run("check", "--config", str(config)).exit_code == 0
    assert not database.exists()


@pytest.mark.parametrize("where", ["before", "behind", "environment"])
def test_the_configuration_is_named_before_or_behind_the_command_or_in_the_environment(
    config: Path, where: str
) -> None:
    match where:
        case "before":
            done = run("--config", str(config), "check", "--json")
        case "behind":
            done = run("check", "--json", "--config", str(config), STOCKHOOK_CONFIG="/nowhere")
        case _:
            done = run("--json", "check", STOCKHOOK_CONFIG=str(config))
    assert done.exit_code == 0, done.output
    assert {"what": "config", "name": str(config)} in json.loads(done.stdout)["checked"]


def test_check_tells_a_program_as_well_what_is_wrong(config: Path) -> None:
    good = json.loads(run("check", "--config", str(config), "--json").stdout)
    config.write_text(config.read_text() + "\n[server]\nlisen = 1\n")
    done = run("check", "--config", str(config), "--json")
    bad = json.loads(done.stdout)
    assert (done.exit_code, good["ok"], bad["ok"], good.keys() == bad.keys()) == (78, True, False, True)
    assert (good["problems"], bad["problems"]) == ([], done.stderr.splitlines())


def test_a_bad_configuration_is_told_line_by_line_with_exit_code_78(config: Path) -> None:
    config.write_text('[server]\nlisen = 1\n[channels.shop]\nmerchant_id = "DEMO"\ntokne = "CANARY"\n')
    done = run("check", "--config", str(config))
    assert done.exit_code == 78
    assert done.stdout == ""
    assert "server.lisen: unknown option; did you mean listen?\n" in done.stderr
    assert "channels.shop.tokne: unknown option; did you mean token?\n" in done.stderr
    assert "CANARY" not in done.output


def test_plugins_are_listed_whether_the_rest_holds_or_not(config: Path) -> None:
    config.write_text('[plugins]\ndisabled = ["log"]\n[server]\nlisen = 1\n')
    done = run("plugins", "--json", "--config", str(config))
    assert done.exit_code == 0
    found = {record["name"]: record for record in json.loads(done.stdout)}
    assert found["log"]["status"] == "disabled"
    assert "strategy fifo" in found["strategies"]["offers"]
    assert set(found["log"]) == {"name", "status", "origin", "distribution", "version", "offers", "error"}


def test_plugins_shows_where_a_plugin_failed(tmp_path: Path, config: Path) -> None:
    (tmp_path / "mine").mkdir(mode=0o755)
    broken = tmp_path / "mine" / "broken.py"
    broken.write_text("import nothing_here\n")
    broken.chmod(0o644)
    config.write_text('[plugins]\ndirectory = "mine"\n')
    done = run("plugins", "--traceback", "--config", str(config))
    assert "ModuleNotFoundError: No module named 'nothing_here'" in done.stdout
    assert f'File "{broken}", line 1, in <module>' in done.stderr


def init(path: Path, *more: str) -> Result:
    return run("init", "--merchant-id", "DEMO", "--config", str(path), *more)


def test_init_writes_a_configuration_that_holds_and_only_its_owner_reads(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    done = init(path, "--public-url", "https://stock.example.com/")
    assert done.exit_code == 0, done.output
    assert path.stat().st_mode & 0o777 == 0o600
    token = tomllib.loads(path.read_text())["channels"]["shop"]["token"]
    assert len(token) >= 43
    assert f"https://stock.example.com/webhooks/shop/{token}\n" in done.stdout
    assert run("check", "--config", str(path)).exit_code == 0


def test_init_makes_a_new_token_each_time(tmp_path: Path) -> None:
    urls = [json.loads(init(tmp_path / name, "--json").stdout)["target_url"] for name in ("a", "b")]
    assert urls[0].startswith("http://127.0.0.1:8460/webhooks/shop/")
    assert urls[0] != urls[1]


def test_init_leaves_an_existing_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("mine")
    done = init(path)
    assert done.exit_code == 1
    assert f"Error: {path} exists" in done.stderr
    assert path.read_text() == "mine"


def test_init_asks_nothing_where_a_file_is_in_the_way(tmp_path: Path) -> None:
    path = tmp_path / "stockhook.toml"
    path.write_text("# mine")
    done = run("init", "--config", str(path))
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == f"Error: {path} exists; name another file with --config, or remove that one first\n"


def test_init_leaves_nothing_behind_when_what_was_asked_for_does_not_hold(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    done = init(path, "--public-url", "nonsense")
    assert done.exit_code == 78
    assert "server.public_url: expected an address" in done.stderr
    assert not path.exists()


def test_init_says_where_it_cannot_write(tmp_path: Path) -> None:
    done = init(tmp_path / "none" / "config.toml")
    assert done.exit_code == 1
    assert "cannot be written: No such file or directory" in done.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Refused("no"), 1),
        (NotFound("none"), 1),
        (StoreUnavailable("gone"), 1),
        (StoreTooNew("new"), 78),
        (ConfigError(["a.b: c"]), 78),
    ],
)
def test_what_stockhook_raises_becomes_a_message_and_an_exit_code(error: Exception, code: int) -> None:
    @click.command()
    def fail() -> None:
        raise error

    class Failing(Root):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
            return fail

    done = CliRunner().invoke(Failing(commands_at={"fail": ""}), ["fail"])
    assert done.exit_code == code
    assert str(error) in done.stderr
    assert "Traceback" not in done.output


def test_a_command_in_a_group_takes_the_options_by_itself() -> None:
    @click.group(cls=Group)
    def things() -> None: ...

    @things.command("list")
    @click.pass_obj
    def list_things(context: Context) -> None:
        output.rows(context, [{"id": 1, "name": str(context.path)}])

    class Own(Root):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
            return things

    done = CliRunner().invoke(Own(commands_at={"things": ""}), ["things", "list", "--json", "--config", "x.toml"])
    assert json.loads(done.stdout) == [{"id": 1, "name": "x.toml"}]


def test_commands_refuse_a_store_that_lives_in_memory(config: Path) -> None:
    context = Context()
    context.config = config
    with pytest.raises(Refused, match="of type memory"), context.store():
        pass


def test_the_configuration_is_looked_for_in_etc_when_nothing_names_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STOCKHOOK_CONFIG", raising=False)
    assert Context().path == DEFAULT_CONFIG


def test_the_actor_behind_sudo_is_who_called_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "kim")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert Context().actor == "cli:kim"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert Context().actor != "cli:kim"


def test_the_actor_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 3_999_999)
    assert Context().actor == "cli:3999999"


class Colour(StrEnum):
    RED = "red"


EAST = timezone(timedelta(hours=2))
ROWS = [
    {"id": 7, "sku": "A\x1b[31m", "quantity": "0.5", "at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "lot": None},
    {
        "id": 12,
        "sku": "Löwe",
        "quantity": "-12",
        "at": datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=2))),
        "lot": "",
    },
]


def test_a_pipe_gets_aligned_text_without_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    output.rows(Context(), ROWS, ("id", "sku", "quantity", "at", "lot"))
    assert capsys.readouterr().out == (
        "id  sku        quantity  at                    lot\n"
        " 7  A\\x1b[31m       0.5  2026-01-02 03:04:05Z  -\n"
        "12  Löwe            -12  2026-01-01 22:00:00Z  -\n"
    )


def test_a_terminal_gets_the_same_cells(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    output.rows(Context(), [{"sku": "[bold]A[/bold]", "n": 1}])
    assert "[bold]A[/bold]" in capsys.readouterr().out


def test_no_rows_leave_standard_output_empty(capsys: pytest.CaptureFixture[str]) -> None:
    output.rows(Context(), [], empty="no items")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "no items\n")


def as_json() -> Context:
    context = Context()
    context.json = True
    return context


def test_json_has_every_key_and_times_in_utc(capsys: pytest.CaptureFixture[str]) -> None:
    output.rows(as_json(), [{**ROWS[1], "day": date(2026, 1, 2), "state": Colour.RED, "more": ({"a": None},)}])
    assert json.loads(capsys.readouterr().out) == [
        {
            "id": 12,
            "sku": "Löwe",
            "quantity": "-12",
            "at": "2026-01-01T22:00:00Z",
            "lot": "",
            "day": "2026-01-02",
            "state": "red",
            "more": [{"a": None}],
        }
    ]


def test_an_empty_list_is_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    output.rows(as_json(), [])
    assert json.loads(capsys.readouterr().out) == []


def test_an_action_says_a_sentence_or_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    output.done(Context(), "received 3 of A", sku="A")
    output.done(as_json(), "received 3 of A", sku="A")
    assert capsys.readouterr().out == 'received 3 of A\n{\n  "sku": "A"\n}\n'


def test_a_record_is_a_line_for_each_key(capsys: pytest.CaptureFixture[str]) -> None:
    output.record(Context(), {"sku": "A", "on_hand": "3", "serial": False})
    assert capsys.readouterr().out == "sku      A\non hand  3\nserial   no\n"


def test_commands_do_without_the_secrets_that_only_the_daemon_is_given(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    config.write_text(config.read_text().replace('"0123456789abcdef"', '{ credential = "shop-token" }'))
    context = Context()
    context.config = config
    assert list(context.settings.channels) == ["shop"]
    with pytest.raises(ConfigError, match="does systemd run this"):
        _ = context.daemon_settings
    assert run("check", "--config", str(config)).exit_code == 78
