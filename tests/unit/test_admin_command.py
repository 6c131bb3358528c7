"""What ``stockhook admin`` prints is what the configuration and the pages take."""

import json

import pytest
from argon2.exceptions import Argon2Error
from click.testing import CliRunner, Result

from stockhook.cli import main
from stockhook.clock import SystemClock
from stockhook.config.tables import Admin
from stockhook.password import is_hash, matches
from stockhook.web.access import Access


def run(*arguments: str, given: str = "") -> Result:
    return CliRunner().invoke(main, ["admin", *arguments], input=given, prog_name="stockhook")


def test_a_password_is_asked_for_twice_and_never_shown() -> None:
    done = run("hash-password", given="long enough\nlong enough\n")
    assert done.exit_code == 0
    assert "long enough" not in done.output
    assert "Once more" in done.stderr
    assert matches(done.stdout.strip(), "long enough")


def test_two_that_differ_are_asked_for_again() -> None:
    done = run("hash-password", given="long enough\nlonger\nlonger enough\nlonger enough\n")
    assert matches(done.stdout.strip().splitlines()[-1], "longer enough")


def test_a_program_gives_the_password_as_a_line() -> None:
    done = run("hash-password", "--stdin", "--json", given="with blank \r\nmore\n")
    assert matches(json.loads(done.stdout)["password_hash"], "with blank ")


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ("short\n", "5 characters; expected at least 8"),
        ("\n", "0 characters"),
        ("", "0 characters"),
        ("a\tb tabbed\n", "no keyboard types"),
        ("ä" * 600 + "\n", "expected at most 1024 bytes"),
    ],
)
def test_a_password_that_no_form_can_send_is_refused(given: str, error: str) -> None:
    done = run("hash-password", "--stdin", given=given)
    assert (done.exit_code, done.stdout) == (1, "")
    assert error in done.stderr


def test_an_accent_may_be_typed_either_way() -> None:
    done = run("hash-password", "--stdin", given="Zoe\u0308 and friends\n")
    assert matches(done.stdout.strip(), "Zo\u00eb and friends")
    assert not matches(done.stdout.strip(), "Zoe and friends")


@pytest.mark.parametrize("scope", ["read", "write"])
def test_a_token_lets_in_as_what_is_pasted_says(scope: str) -> None:
    made = json.loads(run("token", "erp", "--scope", scope, "--json").stdout)
    table = {key: made[key] for key in ("name", "hash", "scope")}
    access = Access(Admin.model_validate({"tokens": [table]}), SystemClock())
    actor = access.program(made["token"], None)
    assert actor
    assert (actor.name, actor.may_write) == ("api:erp", scope == "write")
    assert access.program(made["token"][:-1], None) is None


def test_a_token_is_printed_once_with_the_lines_to_paste() -> None:
    import tomllib

    done = run("token", "erp")
    assert done.exit_code == 0
    token = done.stdout.splitlines()[1]
    assert len(token) == 43
    assert done.stdout.count(token) == 1
    (table,) = tomllib.loads(done.stdout[done.stdout.index("[[admin") :])["admin"]["tokens"]
    assert Admin.model_validate({"tokens": [table]}).tokens[0].scope == "read"
    assert run("token", "erp").stdout.splitlines()[1] != token


@pytest.mark.parametrize("name", ["", "a b", "local", "-x:"])
def test_a_name_that_cannot_stand_in_the_ledger_is_refused(name: str) -> None:
    done = run("token", "--", name)
    assert done.exit_code == 1
    assert "cannot name a token: expected a name of at most 64" in done.stderr


@pytest.mark.parametrize(
    "damaged",
    [
        "$argon2id$v=19$m=8,t=1,p=1$dMCAku0KIiBPw+wlRXwl4g$KWhnMzgZLIpmh5WXxhMZ+yxRXlgUWFmbWMqIuZVICyMAA",
        "$argon2id$v=19$m=1,t=1,p=1$dMCAku0KIiBPw+wlRXwl4g$KWhnMzgZLIpmh5WXxhMZ+yxRXlgUWFmbWMqIuZVICyM",
    ],
)
def test_nobody_is_told_to_be_wrong_where_it_cannot_be_told(damaged: str) -> None:
    assert is_hash(damaged)
    with pytest.raises(Argon2Error):
        matches(damaged, "correct horse battery")
