"""What is scraped of one daemon. The library that writes it is imported with the first scrape."""

from typing import TYPE_CHECKING

from stockhook.clock import Clock
from stockhook.health import Health
from stockhook.meters import Meters
from stockhook.settings import Settings
from stockhook.web.standing import LedgerCount

if TYPE_CHECKING:
    from stockhook.web.exposition import Exposition


class Scrape:
    """Writes the metrics from the daemon's meters, its health, and what the store says."""

    def __init__(self, settings: Settings, health: Health, meters: Meters, clock: Clock) -> None:
        self._settings = settings
        self._health = health
        self._meters = meters
        self._clock = clock
        self._ledger = LedgerCount()
        self._exposition: Exposition | None = None

    def begin(self) -> None:
        """Count movements from here on; the store must be open."""
        with self._settings.store.read() as view:
            self._ledger.look(view)

    def written(self, accept: str) -> tuple[bytes, str]:
        """Return the metrics and their content type; a thread's work, since the store is read."""
        from stockhook.web.exposition import Exposition

        if self._exposition is None:
            self._exposition = Exposition(self._meters, self._settings, self._health, self._clock, self._ledger)
        return self._exposition.written(accept)
