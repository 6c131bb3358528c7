"""The probes on the admin listener: alive, and able to store."""

from http import HTTPStatus

from stockhook.web.base import BaseHandler


class ProbePage(BaseHandler):
    """Answers ``/healthz`` and ``/readyz`` in one line of text."""

    PUBLIC = True

    def get(self) -> None:
        """Say whether all is well."""
        well, text = self.site.health.answer(self.request.path)
        self.set_status(HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(text)

    def head(self) -> None:
        """Say so by the status alone."""
        self.get()
