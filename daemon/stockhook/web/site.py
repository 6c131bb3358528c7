"""What every page works with: the desk, the configuration, and what actions have to say on the page that follows."""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from stockhook.health import Health
from stockhook.operations.desk import Desk
from stockhook.operations.volume import Volume
from stockhook.settings import Settings
from stockhook.web.access import Access
from stockhook.web.scrape import Scrape
from stockhook.web.threads import Threads

_MOST_SAYINGS: Final = 200
_READS: Final = 4
_ACTIONS: Final = 2
_WAITING: Final = 40


@dataclass(frozen=True, slots=True)
class Said:
    """What an action has to say on the page that follows it; ``good``: it was done."""

    text: str
    good: bool = True


class Sayings:
    """Sentences on their way from an action to the page it leads to, each shown once.

    They stay in this process, so that no address holds a text that someone else could have written.
    """

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, Said] = OrderedDict()

    def put(self, said: Said) -> str:
        """Keep a sentence and return the word that fetches it; the oldest go when many were never fetched."""
        word = secrets.token_urlsafe(9)
        self._waiting[word] = said
        while len(self._waiting) > _MOST_SAYINGS:
            self._waiting.popitem(last=False)
        return word

    def take(self, word: str | None) -> Said | None:
        """Return the sentence of this word, once."""
        return self._waiting.pop(word, None) if word else None


@dataclass(frozen=True, slots=True)
class Site:
    """The pages' surroundings.

    ``access`` knows who may ask; ``wake`` is called on the event loop after each action, so that loops look at once;
    ``scrape`` writes ``/metrics``. ``ending`` tells whether the daemon ends, so that what still waits for a thread is
    not done any more. ``reads`` and ``actions`` are the threads of what only reads, and of what may book.
    """

    desk: Desk
    settings: Settings
    health: Health
    access: Access
    wake: Callable[[], None]
    scrape: Scrape
    sayings: Sayings = field(default_factory=Sayings)
    volume: Volume = field(default_factory=Volume)
    ending: Callable[[], bool] = lambda: False
    reads: Threads = field(default_factory=lambda: Threads("page", _READS, _WAITING))
    actions: Threads = field(default_factory=lambda: Threads("action", _ACTIONS, _WAITING))
