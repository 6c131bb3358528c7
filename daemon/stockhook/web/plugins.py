"""Plugins: what was found, what each offers, and why one that failed did."""

from collections import Counter

from stockhook.web.page import Page


class PluginsPage(Page):
    """The list of plugins."""

    async def get(self) -> None:
        """Show it."""
        records = sorted(self.site.settings.plugins.records, key=lambda record: (record.status, record.name))
        counts = Counter(record.status for record in records)
        await self.show("plugins.html", lambda _view: {"records": records, "counts": counts})
