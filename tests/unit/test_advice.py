"""What persons are told to do about each kind of problem."""

import re
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockhook.advice import advise
from stockhook.model import KINDS
from stockhook.testing import factories


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_problem_has_a_title_and_a_next_step(kind: str) -> None:
    advice = advise(factories.problem(kind, id=7, order_id="DEMO-1", event_id=3))
    assert advice.title != kind
    assert len(advice.todo) > 40
    assert advice.todo.endswith(".")
    assert "{" not in advice.todo
    assert "none" not in advice.todo.lower().split()


def test_an_unknown_item_is_named_without_its_account_and_with_the_commands_that_map_it() -> None:
    advice = advise(factories.problem(subject="ultracart:DEMO/SOAP-9", account="ultracart:DEMO"))
    assert (advice.title, advice.subject) == ("Unknown item", "SOAP-9")
    assert "`stockhook items alias SOAP-9 SKU`" in advice.todo
    assert "`stockhook items ignore SOAP-9`" in advice.todo


def test_a_notice_gives_the_advice_of_its_problem() -> None:
    problem = factories.problem("insufficient-inventory", "SOAP", id=12)
    notice = factories.notice(12, kind="insufficient-inventory", subject="SOAP")
    assert advise(notice) == advise(problem)
    assert "waive 12 " in advise(notice).todo


def test_the_name_of_an_account_that_only_looks_like_the_start_of_a_subject_is_left_on_it() -> None:
    assert advise(factories.problem(subject="SHOPPING-BAG", account="SHOP")).subject == "SHOPPING-BAG"


def test_a_kind_of_a_later_version_is_told_in_its_own_words() -> None:
    advice = advise(factories.problem("stock-elsewhere", "SOAP"))
    assert advice.title == "Stock elsewhere"
    assert "stockhook problems list" in advice.todo


@given(st.text(alphabet="aB9 '\"$;&|`{}\\-", min_size=1))
def test_a_code_stands_in_a_command_as_one_word(code: str) -> None:
    advice = advise(factories.problem(subject=f"ultracart:DEMO/{code}", account="ultracart:DEMO"))
    command = re.search(r"`stockhook items alias (.*) SKU`", advice.todo, re.DOTALL)
    assert command is not None
    assert shlex.split(command[1]) == [code]
