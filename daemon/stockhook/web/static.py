"""Serves the files that pages load."""

from http import HTTPStatus

from tornado.web import HTTPError

from stockhook.web.assets import TYPES, asset
from stockhook.web.base import BaseHandler


class StaticPage(BaseHandler):
    """One file."""

    PUBLIC = True

    def get(self, name: str) -> None:
        """Answer with the file; to be kept for ever, where the address names the digest that it has."""
        if name not in TYPES:
            raise HTTPError(HTTPStatus.NOT_FOUND)
        found = asset(name)
        self.set_header("Content-Type", found.type)
        if self.get_query_argument("v", "") == found.digest:
            self.set_header("Cache-Control", "public, max-age=31536000, immutable")
        self.finish(found.data)
