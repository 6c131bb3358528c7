"""The peer of the intake: a Tornado handler that answers 200 and keeps nothing; prints its port."""

import asyncio
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler


class Handler(RequestHandler):
    """Takes the body as Tornado hands it over, and answers."""

    def post(self, *_: Any) -> None:
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish("stored\n")


async def main() -> None:
    server = HTTPServer(Application([("/webhooks/([^/]+)/([^/]+)", Handler)]), idle_connection_timeout=60)
    [bound] = bind_sockets(0, "127.0.0.1")
    server.add_sockets([bound])
    print(bound.getsockname()[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
