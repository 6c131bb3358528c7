"""Who the UltraCart channel believes, and what its table may say."""

import base64
import hmac
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from stockhook.plugin import NoSuchToken, Rejected, Request, Secret
from stockhook_plugins.channels.ultracart import authentication
from stockhook_plugins.channels.ultracart.authentication import Authentication
from stockhook_plugins.channels.ultracart.options import UltraCartOptions

OLD, NEW = "old-token-of-the-shop", "new-token-of-the-shop"


def request(token=NEW, **headers):
    return Request(token, {name.replace("_", "-"): value for name, value in headers.items()}, "203.0.113.7")


def basic(text, prefix="Basic "):
    return prefix + base64.b64encode(text.encode()).decode()


def options(**table):
    return UltraCartOptions.model_validate({"merchant_id": "DEMO", "token": NEW, **table})


def authentication_of(**table):
    chosen = options(**table)
    return Authentication(chosen.token, chosen.username, chosen.password or ())


def test_during_a_rotation_both_tokens_are_believed_and_afterwards_only_the_new_one():
    both = authentication_of(token=[OLD, NEW])
    both.check(request(OLD))
    both.check(request(NEW))
    with pytest.raises(NoSuchToken):
        authentication_of(token=NEW).check(request(OLD))


@given(st.text(max_size=80))
def test_no_other_token_is_believed(token):
    if token != NEW:
        with pytest.raises(NoSuchToken):
            authentication_of().check(request(token))


def test_every_secret_is_compared_as_a_digest_even_when_the_first_one_matches(monkeypatch):
    compared = []

    def counting(known, found):
        compared.append((len(known), len(found)))
        return hmac.compare_digest(known, found)

    checked = authentication_of(token=[OLD, NEW], username="store", password=["one", "two"])
    monkeypatch.setattr(authentication, "hmac", SimpleNamespace(compare_digest=counting))
    checked.check(request(OLD, authorization=basic("store:one"), x_authorization_basic=basic("store:no", "")))
    assert compared == [(32, 32)] * 6


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": basic("store:pass:word")},
        {"authorization": basic("store:pass:word", "basic ")},
        {"authorization": basic("store:pass:word", "BASIC  ")},
        {"x_authorization_basic": basic("store:pass:word", "")},
        {"x_authorization_basic": basic("store:pass:word")},
        {"x_authorization_basic": basic("store:pass:word", "  ")},
        {"authorization": "Bearer of-something-else", "x_authorization_basic": basic("store:pass:word", "")},
        {"authorization": basic("web:server"), "x_authorization_basic": basic("store:pass:word", "")},
        {"authorization": basic("store:pässwörd")},
    ],
)
def test_right_credentials_are_believed_from_either_header(headers):
    authentication_of(username="store", password=["pass:word", "pässwörd"]).check(request(**headers))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Basic"},
        {"authorization": "Basic "},
        {"authorization": basic("store:wrong")},
        {"authorization": basic("other:pass:word")},
        {"authorization": basic("store:pass")},
        {"authorization": basic("store")},
        {"authorization": basic("store:pass:word", "Bearer ")},
        {"authorization": basic("store:pass:word", "")},
        {"authorization": "Basic %%%"},
        {"authorization": "Basic é"},
        {"authorization": "Basic \udcff"},
        {"authorization": "Basic " + "A" * 100_001},
        {"authorization": basic("store:pass:word")[:-3]},
        {"x_authorization_basic": "="},
        {"x_authorization_basic": basic(":pass:word", "")},
        {"cookie": basic("store:pass:word")},
    ],
)
def test_missing_wrong_and_garbled_credentials_are_rejected_without_a_word_about_them(headers):
    checked = authentication_of(username="store", password="pass:word")
    with pytest.raises(Rejected) as caught:
        checked.check(request(**headers))
    assert not isinstance(caught.value, NoSuchToken)
    assert str(caught.value) in {
        "HTTP Basic credentials are required and none were sent",
        "wrong HTTP Basic credentials",
    }


@given(st.text(max_size=60), st.sampled_from(["authorization", "x_authorization_basic"]))
def test_any_header_text_gives_yes_or_rejected(text, header):
    with pytest.raises(Rejected):
        authentication_of(username="store", password="pass:word").check(request(**{header: text}))


def test_a_wrong_token_is_told_before_credentials_are_looked_at():
    with pytest.raises(NoSuchToken):
        authentication_of(username="store", password="x").check(request("wrong", authorization=basic("store:x")))


def test_without_configured_credentials_sent_ones_do_no_harm():
    authentication_of().check(request(authorization=basic("any:thing")))


def test_nothing_that_would_believe_anyone_can_be_made():
    with pytest.raises(ValueError, match="without a token"):
        Authentication([], None, [])
    with pytest.raises(ValueError, match="without a password"):
        Authentication([Secret(NEW)], "store", [])


@pytest.mark.parametrize(
    ("table", "where", "said"),
    [
        ({"token": "brief-one"}, ("token", 0), "at least 16 characters, this one has 9"),
        ({"token": [NEW, "brief-one"]}, ("token", 1), "at least 16 characters"),
        ({"token": "a token with blanks in it"}, ("token", 0), "part of a URL"),
        ({"token": []}, ("token",), "at least 1"),
        ({"token": [NEW, OLD, NEW]}, ("token",), "at most 2"),
        ({"token": {"env": "NOT_SET_ANYWHERE"}}, ("token", 0), "NOT_SET_ANYWHERE is not set"),
        ({"merchant_id": " "}, ("merchant_id",), "at least 1"),
        ({"username": "store"}, ("password",), "username is set but password is not"),
        ({"password": "x"}, ("password",), "password is set but username is not"),
        ({"username": "a:b", "password": "x"}, ("username",), '":"'),
        ({"username": "store", "password": ["x", "y", "z"]}, ("password",), "at most 2"),
        ({"username": "store", "password": ""}, ("password", 0), "expected a text"),
        ({"time_zone": "America/New_Yrok"}, ("time_zone",), "not a time zone of this machine"),
        ({"time_zone": "../../etc/passwd"}, ("time_zone",), "not a time zone of this machine"),
        ({"time_zone": "America"}, ("time_zone",), "not a time zone of this machine"),
        ({"tokens": NEW}, ("tokens",), "not permitted"),
    ],
)
def test_a_bad_option_is_named_with_what_is_wrong_and_no_secret(table, where, said):
    with pytest.raises(ValidationError) as caught:
        options(**table)
    [error] = caught.value.errors(include_url=False)
    assert error["loc"] == where
    assert said in error["msg"]
    assert "brief-one" not in str(caught.value)
    assert "blanks" not in str(caught.value)


def test_all_that_is_wrong_is_told_at_once():
    with pytest.raises(ValidationError) as caught:
        UltraCartOptions.model_validate({"token": "brief-one", "username": "store", "time_zone": "Nowhere"})
    assert [error["loc"][0] for error in caught.value.errors()] == ["merchant_id", "token", "password", "time_zone"]


def test_secrets_may_come_from_the_environment_and_are_not_printed(monkeypatch):
    monkeypatch.setenv("SHOP_TOKEN", OLD)
    chosen = options(token=[{"env": "SHOP_TOKEN"}, NEW], username="store", password="pass:word")
    assert [each.reveal() for each in chosen.token] == [OLD, NEW]
    for secret in (OLD, NEW, "pass:word"):
        assert secret not in repr(chosen)
