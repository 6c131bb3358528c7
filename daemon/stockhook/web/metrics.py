"""``/metrics``: what Prometheus scrapes."""

import asyncio

from stockhook.web.program import ProgramHandler


class MetricsPage(ProgramHandler):
    """Answers a scrape."""

    async def get(self) -> None:
        """Write the metrics, in the format that is asked for."""
        accept = self.request.headers.get("Accept", "")
        text, content_type = await asyncio.to_thread(self.site.scrape.written, accept)
        self.set_header("Content-Type", content_type)
        await self.finish(text)
