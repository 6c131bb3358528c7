"""The peer that UltraCart's own advice leads to, its web half: Flask under gunicorn puts each delivery into a queue.

The advice is to answer at once and to work later. A durable queue for that is RQ on a Redis that syncs its log at every
write, so that here, too, a 200 means stored.
"""

import hmac
import os
import time

from flask import Flask, Response, abort, request
from redis import Redis
from rq import Queue

TOKEN = os.environ["PEER_TOKEN"]
app = Flask(__name__)
queue = Queue(connection=Redis(unix_socket_path=os.environ["PEER_REDIS"]))


@app.post("/webhooks/<channel>/<token>")
def take(channel: str, token: str) -> Response:
    """Check the token, keep the body, answer."""
    if not hmac.compare_digest(token.encode(), TOKEN.encode()):
        abort(401)
    # told what it is, RQ does not write the whole body out as the job's description; kept results would fill Redis
    queue.enqueue_call(
        "peer_job.work",
        (channel, request.get_data(), time.time_ns() // 1000),
        result_ttl=0,
        description="delivery",
    )
    return Response("stored\n", content_type="text/plain; charset=utf-8")
