"""Starts the embedded servers on a folder and waits to be killed; run by path, as its own process.

Prints one line of JSON when they run: the process ids and the URLs. With a second argument, the
servers do not notice that it dies.
"""

import json
import sys
import time
from pathlib import Path

from services.embedded import account, datadir, nats, postgres
from services.embedded.datadir import RunningServer

if len(sys.argv) > 2:
    account.LAUNCHER = Path(__file__).with_name("launch_elsewhere.py")

with datadir.claim(Path(sys.argv[1])) as folder:
    database = postgres.start(folder.path / "postgres", folder.account)
    bus = nats.start(folder.path / "nats", folder.account)
    folder.announce(
        RunningServer(pid=0, url="http://here", postgres_url=database.url, nats_url=bus.url)
    )
    pids = [database.child.pid, bus.child.pid]
    print(json.dumps({"pids": pids, "postgres": database.url, "nats": bus.url}), flush=True)
    time.sleep(600)
