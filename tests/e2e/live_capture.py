"""The released posthog-python SDK in an application that goes on running.

Each line of its input is events to capture, as JSON: [[event, distinct id], …]; it answers when
they are sent. URL and project token are arguments. A program of its own, run by path.
"""

import json
import sys

from posthog import Posthog

url, token = sys.argv[1:]
client = Posthog(token, host=url)
for line in sys.stdin:
    for event, distinct_id in json.loads(line):
        client.capture(event, distinct_id=distinct_id)
    client.flush()
    print("sent", flush=True)
client.shutdown()
