"""Locations: the tree of places where goods lie, which of them orders take from, and in which turn."""

from typing import Final

from stockhook.model import Location, fold
from stockhook.operations import locations
from stockhook.operations.desk import Desk
from stockhook.quantity import counted
from stockhook.store import FOREVER, Read
from stockhook.web import forms
from stockhook.web.action import Action
from stockhook.web.forms import Field, Form
from stockhook.web.page import Values
from stockhook.web.stock_forms import places

PAGE: Final = 200
"""Locations of one page."""

_ADDRESS: Final = "/locations"
_TURN: Final = Field("pick_sequence", "Its turn", "quantity")


class LocationsPage(Action):
    """The list of locations by path, and the forms that add one, and change one."""

    async def get(self) -> None:
        """Show those of which the path holds the words sought."""
        sought, after = self.asked("q"), self.asked("after")
        await self.show("locations.html", lambda view: shown(view, sought, after))

    async def post(self) -> None:
        """Add one."""

        def add(desk: Desk) -> str:
            turn = forms.whole(self.given("pick_sequence"), "turn")
            done = locations.add(desk, self.given("path"), pickable=bool(self.given("pickable")), pick_sequence=turn)
            above = f", and above it {', '.join(place.path for place in done.parents)}" if done.parents else ""
            return f"{done.location.path} is a location{above}: {_words(done.location)}."

        await self.perform(lambda _: adding(), add, _ADDRESS, tells=True)


class SetLocationAction(Action):
    """Whether orders take from a location, or its turn, is changed."""

    async def post(self) -> None:
        """Change it."""

        def change(desk: Desk) -> str:
            pickable = {"yes": True, "no": False}.get(self.given("pickable"))
            turn = forms.whole(self.given("pick_sequence"), "turn")
            done = locations.change(desk, self.given("path"), pickable=pickable, pick_sequence=turn)
            orders = counted(done.due, "order that waits", "orders that wait")
            again = f" {orders} for goods there {'is' if done.due == 1 else 'are'} worked again." if done.due else ""
            return f"{done.location.path}: {_words(done.location)}.{again}"

        await self.perform(changing, change, _ADDRESS, tells=True)


def shown(view: Read, sought: str, after: str) -> Values:
    """Return one page of the locations whose path holds the words sought, from behind the path ``after``."""
    every = sorted(view.find(Location, most=FOREVER), key=_place)
    found = [place for place in every if fold(sought) in fold(place.path)]
    if after:
        found = [place for place in found if _place(place) > (fold(after), after)]
    return {
        "rows": found[:PAGE],
        "more": found[PAGE - 1].path if len(found) > PAGE else None,
        "first": not after,
        "q": sought,
        "forms": [adding(), changing(view)] if every else [adding()],
    }


def adding() -> Form:
    """Return the form that adds a location."""
    return Form(
        name="add",
        address=_ADDRESS,
        title="Add a location",
        button="Add",
        fields=(
            Field("path", "Path", required=True, hint="MAIN/FG/A-01"),
            Field("pickable", "Orders take goods from it", "check", value="yes"),
            _TURN,
        ),
        note="Those above it that are missing are added with it. A smaller turn is picked earlier.",
    )


def changing(view: Read) -> Form:
    """Return the form that changes a location."""
    choices = (("", "as it is"), ("yes", "orders take goods from it"), ("no", "no order takes goods from it"))
    return Form(
        name="set",
        address=f"{_ADDRESS}/set",
        title="Change a location",
        button="Change",
        fields=(
            Field("path", "Path", required=True, choices=places(view)),
            Field("pickable", "Orders", "select", choices=choices),
            _TURN,
        ),
        note="What is left empty stays as it is. Goods that orders may take now settle what is owed of them.",
    )


def _place(location: Location) -> tuple[str, str]:
    return fold(location.path), location.path


def _words(location: Location) -> str:
    turn = "" if location.pick_sequence is None else f", in turn {location.pick_sequence}"
    return f"orders take goods from it{turn}" if location.pickable else f"no order takes goods from it{turn}"
