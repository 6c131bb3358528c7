"""RQ's worker, with the job's modules already loaded: ``python tests/benchmarks/peer_worker.py simple|forking``.

``simple`` works in this process; ``forking``, RQ's default, makes a child for each job. What is imported here need not
be imported by each child.
"""

import os
import sys

import peer_job  # noqa: F401 - loaded before a child is made
from redis import Redis
from rq import SimpleWorker, Worker

kind = {"simple": SimpleWorker, "forking": Worker}[sys.argv[1]]
worker = kind(["default"], connection=Redis(unix_socket_path=os.environ["PEER_REDIS"]))
print("ready", flush=True)
worker.work(logging_level="WARNING")
