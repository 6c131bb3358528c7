"""Which locations a need is taken from, and by which strategy: ``[[allocation.rules]]``, and what is above them.

The first rule wins that matches in all it names; what it leaves out comes from above: locations from the line's
distribution center, else from ``[allocation]``, the strategy from ``[allocation]``.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fnmatch import translate
from typing import Final

from stockhook.allocation import Limits
from stockhook.model import Item, fold
from stockhook.record import record
from stockhook.rules import ChannelRules
from stockhook.steps import Method

_MOST_KEPT: Final = 10_000
"""Codes of distribution centers come from outside; what is kept of them is thrown away rather than grow for ever."""


@dataclass(frozen=True, slots=True)
class AllocationRule:
    """One of ``[[allocation.rules]]``: which needs it is for, and what it chooses; None: anything, and as above.

    ``number`` counts from 1. ``item`` is a pattern with ``*`` and ``?``; it and ``center`` compare without case.
    """

    number: int
    item: str | None = None
    channel: str | None = None
    center: str | None = None
    locations: tuple[str, ...] | None = None
    method: Method | None = None

    @property
    def words(self) -> str:
        """What the rule matches, for a person."""
        names = {"item": self.item, "channel": self.channel, "distribution center": self.center}
        return f"rule {self.number} ({', '.join(f'{name} {value}' for name, value in names.items() if value)})"


@record(frozen=True, slots=True)
class Choice:
    """What the configuration chooses for a need: whence, in words and as subtrees, and by which method."""

    words: str
    locations: tuple[str, ...]
    method: Method

    def limits(self, item: Item | None) -> Limits:
        """Return the limits of a need; the item's own shelf life wins over the strategy's."""
        days = item.min_shelf_life_days if item else None
        shelf_life = self.method.min_shelf_life_days if days is None else days
        return Limits(self.words, self.locations, shelf_life, self.method.last_day_good)


@dataclass(frozen=True, slots=True)
class Choices:
    """All choices of the configuration; ``method`` is that of ``[allocation]``. What was chosen once is remembered."""

    method: Method
    rules: Sequence[AllocationRule] = ()
    _items: dict[int, Callable[[str], object]] = field(default_factory=dict, init=False, compare=False, repr=False)
    _made: dict[tuple[str, str, str], tuple[ChannelRules, Choice]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    def __post_init__(self) -> None:
        for rule in self.rules:
            if rule.item is not None:
                self._items[rule.number] = re.compile(translate(fold(rule.item))).match

    def choose(self, channel: ChannelRules, sku: str, center: str | None) -> Choice:
        """Return whence, and how, an item is taken for a line of a channel that ships from ``center``."""
        key = (channel.name, fold(sku), fold(center or ""))
        found = self._made.get(key)
        if found is not None and found[0] is channel:
            return found[1]
        if len(self._made) >= _MOST_KEPT:
            self._made.clear()
        choice = self._chosen(channel, *key[1:], center or "")
        self._made[key] = (channel, choice)
        return choice

    def all_of(self, channel: ChannelRules, sku: str) -> list[Choice]:
        """Return what may be chosen for an item of a channel, whatever distribution center of ours its lines name."""
        named = {fold(rule.center) for rule in self.rules if rule.center is not None} | channel.centers.keys()
        ours = [center for center in sorted(named) if channel.centers.get(center, ()) is not None]
        return [self.choose(channel, sku, center) for center in (None, *ours)]

    def _chosen(self, channel: ChannelRules, sku: str, center: str, written: str) -> Choice:
        rule = next((rule for rule in self.rules if self._matches(rule, channel, sku, center)), None)
        words, locations = _whence(channel, center, written)
        if rule is None:
            return Choice(words, locations, self.method)
        if rule.locations is None:
            words = f"{rule.words}, {words}"
        else:
            words, locations = rule.words, rule.locations
        return Choice(words, locations, rule.method or self.method)

    def _matches(self, rule: AllocationRule, channel: ChannelRules, sku: str, center: str) -> bool:
        return (
            (rule.channel is None or rule.channel == channel.name)
            and (rule.center is None or fold(rule.center) == center)
            and (rule.item is None or self._items[rule.number](sku) is not None)
        )


def _whence(channel: ChannelRules, center: str, written: str) -> tuple[str, tuple[str, ...]]:
    places = channel.centers.get(center) if center else None
    if places:
        return f"distribution center {written}", places
    if channel.locations:
        return "the locations of [allocation]", channel.locations
    return "any location", ()
