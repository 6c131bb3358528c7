"""``/metrics``: what Prometheus scrapes."""

from stockhook.web.program import ProgramHandler


class MetricsPage(ProgramHandler):
    """Answers a scrape."""

    async def get(self) -> None:
        """Write the metrics, in the format that is asked for."""
        accept = self.request.headers.get("Accept", "")
        text, content_type = await self.in_thread(lambda: self.site.scrape.written(accept))
        self.set_header("Content-Type", content_type)
        await self.finish(text)
