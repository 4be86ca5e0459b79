"""The released posthog-python SDK, as an application uses it. URL and project token are arguments.

A program of its own, run by path.
"""

import sys

from posthog import Posthog

url, token = sys.argv[1:]
errors: list[object] = []
client = Posthog(token, host=url, on_error=lambda error, _: errors.append(error))
for person in range(10):
    client.capture("signed_up", distinct_id=f"p{person}", properties={"plan": "pro"})
    if person < 4:
        client.capture("paid", distinct_id=f"p{person}")
# p9 pays before they say who they are.
client.capture("paid", distinct_id="anonymous-9")
client.alias(previous_id="anonymous-9", distinct_id="p9")
client.flush()
client.shutdown()
sys.exit(f"{errors}" if errors else 0)
