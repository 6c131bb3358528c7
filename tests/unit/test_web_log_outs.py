"""A log-out lasts: over restarts, at every daemon of a store, and while the store is away."""

from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from stockhook.config.tables import Admin
from stockhook.errors import StoreBroken, StoreUnavailable
from stockhook.model import LogOut
from stockhook.operations.desk import Desk
from stockhook.operations.log_outs import SESSION, forget_log_outs
from stockhook.password import hash_password
from stockhook.store import FOREVER, Store
from stockhook.testing.pages import Pages
from stockhook.web.access import Access
from stockhook.web.log_outs import LogOuts

ADMIN = Admin.model_validate({"password_hash": hash_password("correct horse battery")})


@pytest.fixture
def desk(pages: Pages, each_store: Store) -> Desk:
    return replace(pages.shop.desk, store=each_store)


class House:
    """What one daemon knows of sessions."""

    def __init__(self, desk: Desk) -> None:
        self.access = Access(ADMIN, desk.clock)
        self.log_outs = LogOuts(self.access, desk)

    def log_in(self) -> str:
        assert self.access.sessions
        return self.access.sessions.begin("Ann")

    def log_out(self, cookie: str) -> None:
        actor = self.access.person(cookie)
        assert actor
        assert actor.session
        self.access.end(actor.session)


async def test_a_daemon_that_starts_and_one_beside_it_know_who_has_logged_out(desk: Desk) -> None:
    here, beside = House(desk), House(desk)
    await beside.log_outs.follow()
    mine, other = here.log_in(), here.log_in()
    here.log_out(mine)
    await here.log_outs.keep()
    assert beside.access.person(mine)
    await beside.log_outs.follow(changed=False)
    assert beside.access.person(mine), "nothing was read while nothing had changed"
    await beside.log_outs.follow(changed=True)
    restarted = House(desk)
    await restarted.log_outs.follow(changed=False)
    for house in (here, beside, restarted):
        assert house.access.person(mine) is None
        assert house.access.person(other)


async def test_a_log_out_while_the_store_is_away_holds_at_once_and_is_kept_later(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise StoreUnavailable("the server is away")

    here = House(desk)
    cookie = here.log_in()
    with monkeypatch.context() as patched, capture_logs() as lines:
        patched.setattr(desk.store, "write", away)
        patched.setattr(desk.store, "read", away)
        here.log_out(cookie)
        await here.log_outs.keep()
        await here.log_outs.follow()
    assert {(line["event"], line["error"]) for line in lines} == {("log-out not kept yet", "the server is away")}
    assert here.access.person(cookie) is None
    await here.log_outs.follow(changed=False)
    assert here.access.unkept == set()
    restarted = House(desk)
    await restarted.log_outs.follow()
    assert restarted.access.person(cookie) is None


async def test_a_store_that_is_broken_is_not_passed_over(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise StoreBroken("the disk reports an error")

    with monkeypatch.context() as patched:
        patched.setattr(desk.store, "read", broken)
        with pytest.raises(StoreBroken):
            await House(desk).log_outs.follow()


async def test_without_a_password_the_store_is_not_asked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(desk.store, "read", None)
        await LogOuts(Access(Admin(), desk.clock), desk).follow()


async def test_log_outs_are_kept_for_as_long_as_their_sessions_could_last(desk: Desk, pages: Pages) -> None:
    here = House(desk)
    for _ in range(2):
        here.log_out(here.log_in())
        await here.log_outs.keep()
        pages.shop.clock.advance(SESSION - timedelta(seconds=1))
    assert forget_log_outs(desk) == 1
    with desk.store.read() as view:
        assert len(view.find(LogOut, most=FOREVER)) == 1
    pages.shop.clock.advance(timedelta(seconds=2))
    assert forget_log_outs(desk) == 1
