"""Prints every fact of Recount in the order of the log. Stops where one is missing, or was altered.

python docs/follow.py NATS_URL [POSITION]: follows what comes after that position (0: everything).
"""

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import nats
from nats.js.api import ConsumerConfig, DeliverPolicy

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def proven(event: dict, message: bytes) -> bool:
    """Whether the event is what its hash was made of, its data included."""
    commitment = bytes.fromhex(event["commitment"])
    if "salt" in event and "data" in event:
        data = message[message.index(b'"data":') + 7 : message.rindex(b"}")]
        if sha256(bytes.fromhex(event["salt"]) + data).digest() != commitment:
            return False
    microseconds = (datetime.fromisoformat(event["time"]) - EPOCH) // timedelta(microseconds=1)
    ids = [event["operationid"], event["correlationid"], event.get("causationid")]
    envelope = ",".join(
        [
            *(event["position"], json.dumps(event["streamid"]), str(event["streamversion"])),
            *(json.dumps(event["type"]), str(microseconds), event["project"], event["id"]),
            *(event["actor"], *map(json.dumps, ids)),
        ]
    )
    hashed = bytes.fromhex(event["previoushash"]) + f"[{envelope}]".encode() + commitment
    return sha256(hashed).hexdigest() == event["hash"]


async def unreachable(error: Exception) -> None:
    print(f"{str(error) or 'No answer'}; trying again …", file=sys.stderr)


async def follow(url: str, after: int) -> None:
    hashes: dict[str, str] = {}  # of each project's last event: what its next one must follow
    async with await nats.connect(url, max_reconnect_attempts=-1, error_cb=unreachable) as client:
        start = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=after + 1
        )
        facts = await client.jetstream().subscribe(
            "insights.>", stream="INSIGHTS", config=start, ordered_consumer=True
        )
        async for message in facts.messages:
            event = json.loads(message.data)
            position, project = int(event["position"]), event["project"]
            if position != after + 1:
                raise SystemExit(f"Missed {after + 1} to {position - 1}.")
            follows = hashes.get(project, "0" * 64 if event["id"] == "1" else event["previoushash"])
            if event["previoushash"] != follows or not proven(event, message.data):
                raise SystemExit(f"Position {position} is not what was recorded.")
            after = position  # remember this: it is all that is needed to go on later
            hashes[project] = event["hash"]
            data = json.dumps(event.get("data", event.get("dataref")))
            print(after, event["time"], message.subject, data, flush=True)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3) or not "".join(sys.argv[2:] or "0").isdecimal():
        sys.exit("Usage: python docs/follow.py NATS_URL [POSITION]")
    try:
        asyncio.run(follow(sys.argv[1], int((sys.argv[2:] or ["0"])[0])))
    except KeyboardInterrupt:
        print("Stopped. To go on, name the last position that was printed.", file=sys.stderr)
