"""What is asked for under a key is done once, whatever happens between doing it and answering."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tornado.httputil import HTTPHeaders

from stockhook.errors import Refused, StoreUnavailable
from stockhook.model import Answered, Item
from stockhook.operations import items
from stockhook.operations.answers import AnswerLost, Busy, OtherRequest, done_once, forget_answers
from stockhook.operations.desk import Desk
from stockhook.record import replace as changed
from stockhook.store import FOREVER, Store
from stockhook.testing.pages import Pages
from stockhook.web.api.route import PREFIX

DAY = timedelta(hours=24)


@pytest.fixture
def desk(pages: Pages, each_store: Store) -> Desk:
    return replace(pages.shop.desk, store=each_store, actor="api:erp")


def kept(desk: Desk) -> list[Answered]:
    with desk.store.read() as view:
        return view.find(Answered, most=FOREVER)


def adding(sku: str) -> Any:
    def act(desk: Desk) -> bytes:
        return items.add(desk, sku).item.sku.encode()

    return act


def test_the_second_time_the_first_answer_comes_back(desk: Desk) -> None:
    assert done_once(desk, "k", "d", adding("SOAP")) == (b"SOAP", False)
    assert done_once(desk, "k", "d", adding("SOAP")) == (b"SOAP", True)
    assert done_once(desk, "other", "d", adding("SALT")) == (b"SALT", False)


def test_a_key_belongs_to_who_used_it(desk: Desk) -> None:
    done_once(desk, "k", "d", adding("SOAP"))
    assert done_once(replace(desk, actor="api:other"), "k", "d", adding("SALT")) == (b"SALT", False)


def test_the_same_key_for_another_request_is_refused(desk: Desk) -> None:
    done_once(desk, "k", "d", adding("SOAP"))
    with pytest.raises(OtherRequest):
        done_once(desk, "k", "e", adding("SALT"))


def test_nothing_is_kept_of_what_was_refused(desk: Desk) -> None:
    done_once(desk, "k", "d", adding("SOAP"))
    with pytest.raises(Refused):
        done_once(desk, "k2", "d", adding("soap"))
    assert done_once(desk, "k2", "d", adding("SALT")) == (b"SALT", False)


def test_a_crash_between_doing_and_answering_is_told_and_nothing_done_again(desk: Desk, pages: Pages) -> None:
    def crash(desk: Desk) -> bytes:
        items.add(desk, "SOAP")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        done_once(desk, "k", "d", crash)
    with pytest.raises(Busy):
        done_once(desk, "k", "d", adding("SALT"))
    pages.shop.clock.advance(timedelta(minutes=2))
    with pytest.raises(AnswerLost):
        done_once(desk, "k", "d", adding("SALT"))
    with desk.store.read() as view:
        assert [item.sku for item in view.find(Item)] == ["SOAP"]


def test_a_crash_before_the_first_commit_leaves_nothing_and_the_retry_does_it(desk: Desk) -> None:
    def away(desk: Desk) -> bytes:
        with desk.store.write() as work:
            work.save([Item("SOAP")])
            raise StoreUnavailable("the disk is full")

    with pytest.raises(StoreUnavailable):
        done_once(desk, "k", "d", away)
    assert kept(desk) == []
    assert done_once(desk, "k", "d", adding("SOAP")) == (b"SOAP", False)


def test_of_two_at_the_same_time_one_is_undone(desk: Desk) -> None:
    def meanwhile(inner: Desk) -> bytes:
        done_once(desk, "k", "d", adding("SOAP"))
        return adding("SALT")(inner)

    with pytest.raises(Busy):
        done_once(desk, "k", "d", meanwhile)
    with desk.store.read() as view:
        assert [item.sku for item in view.find(Item)] == ["SOAP"]
    assert done_once(desk, "k", "d", adding("SALT")) == (b"SOAP", True)


def test_what_is_done_is_answered_though_the_answer_cannot_be_kept(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def act(inner: Desk) -> bytes:
        answer: bytes = adding("SOAP")(inner)

        def away() -> None:
            raise StoreUnavailable("the disk is full")

        monkeypatch.setattr(desk.store, "write", away)
        return answer

    assert done_once(desk, "k", "d", act) == (b"SOAP", False)
    monkeypatch.undo()
    with pytest.raises(Busy):
        done_once(desk, "k", "d", adding("SALT"))


def test_answers_are_kept_for_a_day_and_then_removed(desk: Desk, pages: Pages) -> None:
    done_once(desk, "k", "d", adding("SOAP"))
    pages.shop.clock.advance(DAY - timedelta(seconds=1))
    assert forget_answers(desk) == 0
    pages.shop.clock.advance(timedelta(seconds=1))
    assert done_once(desk, "k", "e", adding("SALT")) == (b"SALT", False), "past its day, though not removed yet"
    done_once(desk, "young", "d", adding("WAX"))
    pages.shop.clock.advance(DAY - timedelta(seconds=1))
    done_once(desk, "younger", "d", adding("OIL"))
    pages.shop.clock.advance(timedelta(seconds=2))
    assert forget_answers(desk) == 2
    assert [row.key for row in kept(desk)] == ["younger"]


class TestOverHttp:
    """The header, as programs send it."""

    @pytest.fixture
    def app(self, pages: Pages) -> Any:
        return pages.application()

    @pytest.fixture
    def add(self, ask: Any) -> Any:
        async def send(key: str, sku: str) -> tuple[int, Any, str | None]:
            headers = {"Content-Type": "application/json", "Idempotency-Key": key}
            answer = await ask(f"{PREFIX}/items", method="POST", body=json.dumps({"sku": sku}), headers=headers)
            return answer.code, json.loads(answer.body), answer.headers.get("Idempotency-Replayed")

        return send

    async def test_a_request_sent_again_is_answered_and_not_done_again(self, add: Any, pages: Pages) -> None:
        first, second = await add("k", "SOAP"), await add("k", "SOAP")
        assert (first[0], first[2], second[2]) == (200, "false", "true")
        assert first[:2] == second[:2]
        status, told, _ = await add("k", "SALT")
        assert (status, told["type"]) == (422, "urn:stockhook:error:other-request")
        assert [item.sku for item in pages.shop.find(Item)] == ["SOAP"]

    async def test_many_at_once_do_it_once(self, add: Any, pages: Pages) -> None:
        found = await asyncio.gather(*(add("k", "SOAP") for _ in range(8)))
        assert {status for status, _, _ in found} <= {200, 409, 422}
        assert [item.sku for item in pages.shop.find(Item)] == ["SOAP"]
        assert (await add("k", "SOAP"))[0] == 200

    @pytest.mark.parametrize("key", ["", "x" * 201, "ü"])
    async def test_a_key_that_cannot_be_kept_is_refused(self, add: Any, pages: Pages, key: str) -> None:
        status, told, _ = await add(key, "SOAP")
        assert (status, told["parameter"]) == (400, "Idempotency-Key")
        assert not pages.shop.find(Item)

    async def test_what_is_being_done_comes_with_when_to_ask_again(self, add: Any, ask: Any, pages: Pages) -> None:
        await add("k", "SOAP")
        (mark,) = pages.shop.find(Answered)
        with pages.settings.store.write() as work:
            work.save([changed(mark, body=None)])
        headers = {"Content-Type": "application/json", "Idempotency-Key": "k"}
        answer = await ask(f"{PREFIX}/items", method="POST", body=b'{"sku": "SOAP"}', headers=headers)
        assert (answer.code, json.loads(answer.body)["type"]) == (409, "urn:stockhook:error:busy")
        assert int(answer.headers["Retry-After"]) > 0

    async def test_two_keys_are_refused(self, ask: Any, pages: Pages) -> None:
        headers = HTTPHeaders({"Content-Type": "application/json", "Idempotency-Key": "a"})
        headers.add("Idempotency-Key", "b")
        answer = await ask(f"{PREFIX}/items", method="POST", body=b'{"sku": "SOAP"}', headers=headers)
        assert (answer.code, json.loads(answer.body)["parameter"]) == (400, "Idempotency-Key")
        assert not pages.shop.find(Item)
