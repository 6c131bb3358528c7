"""Plugins: what was found, what each offers, why one that failed did, and with which options they were made."""

from collections import Counter

from stockhook.web.page import Page


class PluginsPage(Page):
    """The list of plugins."""

    async def get(self) -> None:
        """Show it."""
        settings = self.site.settings
        records = sorted(settings.plugins.records, key=lambda record: (record.status, record.name))
        counts = Counter(record.status for record in records)
        values = {"records": records, "counts": counts, "effective": settings.effective}
        await self.show("plugins.html", lambda _view: values)
