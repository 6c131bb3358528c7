"""What a person corrects of orders, as rules for the shop driven at random, and what the account knows of it."""

from contextlib import suppress
from functools import partial
from random import Random
from typing import Any, Final

from account import CODES, ORDERS, Account
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from told_persons import asked

from stockhook.errors import StoreUnavailable
from stockhook.model import Line, Movement, MovementKind, Unit
from stockhook.operations.corrections import amounts, returns, sources
from stockhook.operations.corrections.case import Corrected
from stockhook.quantity import ONE

MOSTLY: Final = 0.95

choices = st.randoms(use_true_random=False)


_there_is_an_order = precondition(lambda self: any(element.ships for _, element in self.account.seen))


class Correcting:
    """Rules of a ``ShopMachine``; what is refused, or lost in a crash, must leave everything as it was."""

    shop: Any
    store: Any
    account: Account
    quiet: bool

    @_there_is_an_order
    @rule(
        choice=choices, quantity=st.integers(0, 5), fails=st.sampled_from([None, None, None, None, "before", "after"])
    )
    def correct_quantity(self, choice: Random, quantity: int, fails: str | None) -> None:
        line = self._line(choice)
        corrected = self._correct(line, partial(amounts.set_quantity, quantity=quantity * ONE), fails)
        if corrected is not None and self.quiet:
            assert self.account.wanted(*line) == quantity * ONE

    @_there_is_an_order
    @rule(choice=choices)
    def book_as_the_store_says(self, choice: Random) -> None:
        ruled = [line for line, ruling in self.account.rulings.items() if ruling]
        line = choice.choice(ruled) if ruled else self._line(choice)
        corrected = self._correct(line, amounts.follow_store)
        assert corrected is None or corrected.line.ruling == 0

    @_there_is_an_order
    @rule(choice=choices, all_of_it=st.booleans())
    def take_from_another_unit(self, choice: Random, all_of_it: bool) -> None:
        taken = self._taken(choice)
        if taken is None:
            return
        line = (str(taken.order_id), taken.line or 0)
        goods = self.shop.find(Unit, sku=taken.sku, suspense=False)
        there = [one.id for one in goods if one.quantity and one.id != taken.unit_id]
        before = self.account.rulings.get(line, 0)
        act = partial(sources.take_from_unit, unit_id=choice.choice(there or [taken.unit_id]))
        self._correct(line, act if all_of_it else partial(act, instead_of=taken.unit_id))
        assert self.account.rulings.get(line, 0) == before

    @_there_is_an_order
    @rule(choice=choices, quantity=st.integers(1, 2))
    def take_back(self, choice: Random, quantity: int) -> None:
        taken = self._taken(choice)
        if taken is None:
            return
        there = self.shop.on_hand(taken.sku) - self.shop.owed(taken.sku)
        act = partial(returns.take_back, quantity=quantity * ONE, sku=taken.sku)
        quiet = self.quiet  # else the order is booked for what it learnt meanwhile as well
        if self._correct((str(taken.order_id), taken.line or 0), act) is not None and quiet:
            gained = self.shop.on_hand(taken.sku) - self.shop.owed(taken.sku) - there
            # more, where what covers what is owed is refunded and comes back, or had left before its unit was counted
            assert gained >= quantity * ONE

    def _taken(self, choice: Random) -> Movement | None:
        taken = self.shop.find(Movement, kind=MovementKind.CONSUMPTION)
        return choice.choice(taken) if taken else None

    def _line(self, choice: Random) -> tuple[str, int]:
        """Choose a line, a booked one nearly always."""
        booked = [(one.order_id, one.item_index) for one in self.shop.find(Line) if one.binding is not None]
        if booked and choice.random() < MOSTLY:
            return choice.choice(booked)
        return choice.choice(ORDERS), choice.choice(sorted(CODES))

    def _correct(self, line: tuple[str, int], act: Any, fails: str | None = None) -> Corrected | None:
        """Do it, and enter into the account what was ruled; None where it was refused or lost."""
        order_id, index = line
        corrected = None
        self.store.fails = fails
        with suppress(StoreUnavailable), asked("correct"):
            corrected = act(self.shop.desk, order_id, index, reason="seen")
        self.store.fails = None
        (now,) = self.shop.find(Line, order_id=order_id, item_index=index) or (None,)
        ruled = now.ruling if now is not None else 0
        if corrected is None and fails != "after":
            assert ruled == self.account.rulings.get(line, 0)
        self.account.rule(line, ruled)
        return corrected
