"""How often one may be wrong, and how long a session lasts."""

from datetime import timedelta

import pytest

from stockhook.config.tables import Admin
from stockhook.testing.clock import ManualClock
from stockhook.web.access import Access
from stockhook.web.sessions import HOURS, Sessions
from stockhook.web.throttle import EACH, TOGETHER, WINDOW, Throttle

HASH = "$argon2id$v=19$m=8,t=1,p=1$dMCAku0KIiBPw+wlRXwl4g$KWhnMzgZLIpmh5WXxhMZ+yxRXlgUWFmbWMqIuZVICyM"
OTHER = HASH[:-1] + "N"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def wrong(throttle: Throttle, address: str, times: int) -> list[int]:
    return [throttle.attempt(address) for _ in range(times)]


def test_an_address_waits_after_its_last_guess_until_the_first_is_old(clock: ManualClock) -> None:
    throttle = Throttle(clock)
    assert wrong(throttle, "192.0.2.1", EACH) == [0] * EACH
    clock.advance(timedelta(seconds=100))
    assert throttle.attempt("192.0.2.1") == int(WINDOW) - 100 + 1
    assert throttle.attempt("192.0.2.2") == 0
    clock.advance(timedelta(seconds=WINDOW - 100))
    assert throttle.attempt("192.0.2.1") == 0


def test_addresses_of_ipv4_are_told_apart_however_a_socket_for_both_writes_them(clock: ManualClock) -> None:
    throttle = Throttle(clock)
    assert wrong(throttle, "::ffff:192.0.2.1", EACH) == [0] * EACH
    assert throttle.attempt("192.0.2.1") > 0
    assert throttle.attempt("::ffff:192.0.2.2") == 0


def test_a_refused_attempt_does_not_make_one_wait_longer(clock: ManualClock) -> None:
    throttle = Throttle(clock)
    wrong(throttle, "192.0.2.1", EACH + 50)
    clock.advance(timedelta(seconds=WINDOW))
    assert throttle.attempt("192.0.2.1") == 0


def test_the_right_password_forgets_the_wrong_ones(clock: ManualClock) -> None:
    throttle = Throttle(clock)
    wrong(throttle, "192.0.2.1", EACH)
    throttle.passed("192.0.2.1")
    assert wrong(throttle, "192.0.2.1", EACH) == [0] * EACH


def test_a_network_of_one_customer_is_one_address(clock: ManualClock) -> None:
    throttle = Throttle(clock)
    assert [throttle.attempt(f"2001:db8::{n:x}") for n in range(EACH)] == [0] * EACH
    assert throttle.attempt("2001:db8::ffff") > 0
    assert throttle.attempt("2001:db8:0:1::1") == 0


def test_guesses_from_everywhere_end_for_all_but_those_who_got_in_before(clock: ManualClock) -> None:
    throttle = Throttle(clock)
    throttle.attempt("unix")
    throttle.passed("unix")
    guesses = [throttle.attempt(f"198.51.{n // 200}.{n % 200}") for n in range(TOGETHER)]
    assert set(guesses) == {0}
    assert throttle.attempt("192.0.2.1") > 0
    assert throttle.attempt("unix") == 0


def test_what_is_remembered_has_an_end(clock: ManualClock) -> None:
    throttle = Throttle(clock)
    for n in range(5000):
        clock.advance(timedelta(seconds=WINDOW))
        throttle.attempt(f"10.0.{n // 250}.{n % 250}")
        throttle.passed(f"10.1.{n // 250}.{n % 250}")
    assert len(throttle._failed) == len(throttle._known) == 4096


def test_a_session_lasts_for_hours_and_no_longer(clock: ManualClock) -> None:
    sessions = Sessions(HASH, clock)
    cookie = sessions.begin("Ann")
    clock.advance(timedelta(hours=HOURS))
    found = sessions.read(cookie)
    assert found
    assert found.name == "Ann"
    clock.advance(timedelta(seconds=1))
    assert sessions.read(cookie) is None


def test_a_session_outlives_a_restart_and_no_new_password(clock: ManualClock) -> None:
    cookie = Sessions(HASH, clock).begin("Ann")
    assert Sessions(HASH, clock).read(cookie)
    assert Sessions(OTHER, clock).read(cookie) is None
    assert Sessions(OTHER, clock).cookie != Sessions(HASH, clock).cookie


@pytest.mark.parametrize("cookie", [None, "", "2|1:0|", "x" * 5000, "\udcff", '["Ann","id"]'])
def test_what_is_no_cookie_of_ours_is_no_session(clock: ManualClock, cookie: str | None) -> None:
    assert Sessions(HASH, clock).read(cookie) is None


def test_sessions_that_were_logged_out_are_forgotten_when_they_are_too_old(clock: ManualClock) -> None:
    access = Access(Admin.model_validate({"password_hash": HASH}), clock)
    sessions = access.sessions
    assert sessions
    for _ in range(3):
        cookie = sessions.begin("Ann")
        found = sessions.read(cookie)
        assert found
        access.end(found)
        assert sessions.read(cookie) is None
        clock.advance(timedelta(hours=HOURS, seconds=1))
    assert len(access._ended) == 1


def test_a_session_that_was_logged_out_stays_so_when_the_old_password_comes_back(clock: ManualClock) -> None:
    access = Access(Admin.model_validate({"password_hash": HASH}), clock)
    assert access.sessions
    cookie = access.sessions.begin("Ann")
    actor = access.person(cookie)
    assert actor
    assert actor.session
    access.end(actor.session)
    access.renew(Admin.model_validate({"password_hash": OTHER}))
    access.renew(Admin.model_validate({"password_hash": HASH}))
    assert access.person(cookie) is None


def test_a_reload_changes_who_is_let_in_and_never_takes_the_lock_off(clock: ManualClock) -> None:
    access = Access(Admin(), clock)
    assert access.person(None)
    assert access.renew(Admin.model_validate({"password_hash": HASH}))
    assert access.person(None) is None
    sessions = access.sessions
    assert sessions
    cookie = sessions.begin("Ann")
    assert access.renew(Admin.model_validate({"password_hash": HASH, "tokens": []}))
    assert access.person(cookie)
    assert not access.renew(Admin())
    assert access.person(None) is None
    assert access.renew(Admin.model_validate({"password_hash": OTHER}))
    assert access.person(cookie) is None
