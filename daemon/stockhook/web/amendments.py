"""What was written down wrong about a unit is put right: its lot, its dates, its cost."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from stockhook.errors import Refused
from stockhook.operations.desk import Desk
from stockhook.operations.stock.amendments import Amended, amend
from stockhook.operations.stock.ledger import known_unit
from stockhook.web import forms, stock_forms
from stockhook.web.stock import UnitAction, looked_at


class AmendAction(UnitAction):
    """The form that comes filled in with what is known of a unit: what is changed in it is changed."""

    async def post(self, written: str) -> None:
        """Amend it."""

        def book(desk: Desk, unit_id: int) -> str:
            with desk.store.read() as view:
                known = stock_forms.written(known_unit(view, unit_id))
            given = {name: self.given(name) for name in known if name != "serial" or self.given(name)}
            changed = {name: _READ[name](value) for name, value in given.items() if value != known[name]}
            if not changed:
                raise Refused(f"unit {unit_id} says so already; write what is right in place of what is wrong")
            return _said(amend(desk, unit_id, changed, self.given("reason")), changed)

        await self.perform_on(written, stock_forms.amend, book, tells=True)


def _words(written: str) -> str | None:
    return written or None


_READ: Final[Mapping[str, Callable[[str], Any]]] = {
    "lot": _words,
    "serial": _words,
    "expires_on": forms.day,
    "received_at": forms.moment,
    "unit_cost": forms.optional_quantity,
    "priority": lambda written: forms.whole(written, "priority"),
    "reference": _words,
}


def _said(done: Amended, changed: Mapping[str, Any]) -> str:
    now, was = stock_forms.written(done.unit), stock_forms.written(done.before)
    words = [f"{stock_forms.LABELS[name]} {now[name] or 'none'} (was {was[name] or 'none'})" for name in changed]
    return f"Unit {done.unit.id} of {done.unit.sku}: {', '.join(words)}.{looked_at(done.orders)}"
