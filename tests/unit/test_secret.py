from pathlib import Path
from typing import Any

import pytest

from stockhook.secret import Secret, stand_ins

ABSENT: list[tuple[dict[str, str], str]] = [
    ({"env": "STOCKHOOK_NO_SUCH_NAME"}, "the environment variable STOCKHOOK_NO_SUCH_NAME is not set"),
    ({"file": "no-such-file"}, "the file no-such-file cannot be read"),
    ({"credential": "token"}, r"credential token: \$CREDENTIALS_DIRECTORY is not set"),
]


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


def test_a_secret_is_written_in_place_or_taken_from_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("found\n")
    monkeypatch.setenv("STOCKHOOK_SOME_NAME", "found")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    for written in (
        "found",
        {"env": "STOCKHOOK_SOME_NAME"},
        {"file": str(tmp_path / "token")},
        {"credential": "token"},
    ):
        assert Secret.resolve(written).reveal() == "found"


@pytest.mark.parametrize(("written", "said"), ABSENT)
def test_a_secret_that_is_not_there_is_refused(written: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Secret.resolve(written)


@pytest.mark.parametrize(("written", "said"), ABSENT)
def test_beside_the_daemon_an_absent_secret_is_replaced_by_a_new_random_one(written: Any, said: str) -> None:
    del said
    with stand_ins():
        one, other = Secret.resolve(written), Secret.resolve(written)
    assert one != other
    assert len(one.reveal()) >= 43
    with pytest.raises(ValueError, match=r"not set|cannot be read"):
        Secret.resolve(written)


@pytest.mark.parametrize("written", ["", 3, None, {}, {"evn": "X"}, {"env": "A", "file": "B"}, ["x"]])
def test_what_is_no_way_to_write_a_secret_is_refused_even_beside_the_daemon(written: Any) -> None:
    with stand_ins(), pytest.raises(ValueError, match="expected a text"):
        Secret.resolve(written)


def test_an_empty_file_holds_no_secret(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("\n")
    with pytest.raises(ValueError, match="is empty"):
        Secret.resolve({"file": str(tmp_path / "token")})


def test_a_secret_is_never_printed() -> None:
    secret = Secret("CANARY")
    assert "CANARY" not in f"{secret} {secret!r} {[secret]} {secret!s:>40}"
