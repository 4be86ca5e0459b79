"""Prints every fact of Recount in the order of the log, and stops where one is missing.

python docs/follow.py NATS_URL [POSITION]: follows what comes after that position (0: everything).
"""

import asyncio
import json
import sys

import nats
from nats.js.api import ConsumerConfig, DeliverPolicy


async def unreachable(error: Exception) -> None:
    print(f"{str(error) or 'No answer'}; trying again …", file=sys.stderr)


async def follow(url: str, after: int) -> None:
    async with await nats.connect(url, max_reconnect_attempts=-1, error_cb=unreachable) as client:
        start = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=after + 1
        )
        facts = await client.jetstream().subscribe(
            "insights.>", stream="INSIGHTS", config=start, ordered_consumer=True
        )
        async for message in facts.messages:
            fact = json.loads(message.data)
            if fact["position"] != after + 1:
                raise SystemExit(f"Missed {after + 1} to {fact['position'] - 1}.")
            after = fact["position"]  # remember this: it is all that is needed to go on later
            print(after, fact["at"], message.subject, json.dumps(fact["event"]), flush=True)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3) or not "".join(sys.argv[2:] or "0").isdecimal():
        sys.exit("Usage: python docs/follow.py NATS_URL [POSITION]")
    try:
        asyncio.run(follow(sys.argv[1], int((sys.argv[2:] or ["0"])[0])))
    except KeyboardInterrupt:
        print("Stopped. To go on, name the last position that was printed.", file=sys.stderr)
