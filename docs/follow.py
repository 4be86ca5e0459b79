"""A subscriber: one cursor, four ways to get a project's facts. It proves each of them, and stops
where one is missing or was altered.

python docs/follow.py pull URL [CURSOR]           page by page
python docs/follow.py stream URL [CURSOR]         as server-sent events
python docs/follow.py bus ANSWER.json [CURSOR]    from NATS; what POST bus_consumers/ answered
python docs/follow.py webhook PORT [CURSOR]       as a webhook's receiver; its secret in SECRET

URL: …/api/projects/1, with an administrator's key in KEY. CURSOR: "I have all up to here", 0 to
begin with. Each line that is printed begins with one, and any way goes on from it.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Condition

import httpx

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
AWAY_SECONDS = 1.0
# A webhook waits 15 seconds for its answer.
TURN_SECONDS = 12.0


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


class Subscriber:
    """What a subscriber has to remember: a number, and the beginning of a hash."""

    def __init__(self, cursor: str) -> None:
        number, _, self.hash = cursor.partition("-")
        self.sequence = int(number)

    @property
    def cursor(self) -> str:
        return f"{self.sequence}-{self.hash}" if self.hash else str(self.sequence)

    def is_next(self, message: bytes) -> bool:
        """Whether this one was seen before, or follows the last: else others are on their way."""
        return int(json.loads(message)["sequence"]) <= self.sequence + 1

    def take(self, message: bytes) -> None:
        """Drops what was seen before. Raises SystemExit."""
        event = json.loads(message)
        sequence = int(event["sequence"])
        if sequence <= self.sequence:
            return
        if sequence > self.sequence + 1:
            raise SystemExit(f"Missed {self.sequence + 1} to {sequence - 1}.")
        if not event["previoushash"].startswith(self.hash) or not proven(event, message):
            raise SystemExit(f"Fact {sequence} is not what was recorded.")
        self.sequence, self.hash = sequence, event["hash"][:16]
        data = json.dumps(event.get("data", event.get("dataref")))
        print(self.cursor, event["time"], event["subject"], event["type"], data, flush=True)


def pull(url: str, subscriber: Subscriber) -> None:
    with _client() as client:
        while True:
            asked = {"after": subscriber.cursor, "wait": 30, "format": "ndjson"}
            page = _answered(client.get(f"{url}/facts/", params=asked))
            for event in page.content.splitlines():
                subscriber.take(event)


def stream(url: str, subscriber: Subscriber) -> None:
    with _client() as client:
        while True:  # a stream ends with a goodbye, and another one goes on from there
            asked = {"after": subscriber.cursor}
            with client.stream("GET", f"{url}/facts/stream/", params=asked) as opened:
                for name, data in _frames(_answered(opened).iter_bytes()):
                    if data and not name.startswith(b"recount."):
                        subscriber.take(data)


def _frames(chunks: Iterator[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Name and data of each event. A bookmark or a goodbye carries no fact."""
    waiting = b""
    for chunk in chunks:
        *whole, waiting = (waiting + chunk).split(b"\n\n")
        for frame in whole:
            fields = dict(line.partition(b": ")[::2] for line in frame.split(b"\n"))
            yield fields.get(b"event", b""), fields.get(b"data", b"")


async def bus(told: dict, subscriber: Subscriber) -> None:
    import nats

    async def unreachable(error: Exception) -> None:
        _trying_again(error)

    async with await nats.connect(
        told["url"],
        user=told["user"],
        password=told["password"],
        inbox_prefix=told["inbox_prefix"].encode(),
        max_reconnect_attempts=-1,
        error_cb=unreachable,
    ) as client:
        facts = await client.jetstream().pull_subscribe_bind(told["consumer"], told["stream"])
        while True:
            try:
                messages = await facts.fetch(100, timeout=30)
            except nats.errors.TimeoutError:
                continue
            except nats.errors.Error as error:
                _trying_again(error)
                await asyncio.sleep(AWAY_SECONDS)
                continue
            for message in messages:
                subscriber.take(message.data)
                await message.ack()


def webhook(port: str, subscriber: Subscriber) -> None:
    """Facts about one insight come in order, of several side by side: each waits for its turn."""
    from standardwebhooks import Webhook, WebhookVerificationError

    secret, turn = Webhook(os.environ["SECRET"]), Condition()
    ended: list[SystemExit] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                secret.verify(body, dict(self.headers))
            except WebhookVerificationError:
                self.send_error(401)
                return
            with turn:
                its_turn = turn.wait_for(lambda: subscriber.is_next(body), TURN_SECONDS)
                if its_turn:
                    try:
                        subscriber.take(body)
                    except SystemExit as broken:
                        ended.append(broken)
                        server.shutdown()
                        return
                    turn.notify_all()
            self.send_response(204 if its_turn else 503)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", int(port)), Receiver) as server:
        server.serve_forever()
    raise ended[0]


def _client() -> httpx.Client:
    return httpx.Client(headers={"Authorization": f"Bearer {os.environ['KEY']}"}, timeout=60)


def _answered(answer: httpx.Response) -> httpx.Response:
    if answer.is_client_error:
        raise SystemExit(answer.read().decode().strip())
    return answer.raise_for_status()


def _trying_again(error: Exception) -> None:
    print(f"{str(error) or 'No answer'}; trying again …", file=sys.stderr)


def main(way: str = "", source: str = "", cursor: str = "0", *more: str) -> None:
    number = cursor.partition("-")[0]
    if way not in WAYS or not source or not number.isdecimal() or more:
        raise SystemExit(__doc__)
    subscriber = Subscriber(cursor)
    try:
        while True:
            try:
                WAYS[way](source, subscriber)
            except httpx.HTTPError as error:
                _trying_again(error)
                time.sleep(AWAY_SECONDS)
    except KeyboardInterrupt:
        print(f"Stopped. To go on: {subscriber.cursor}", file=sys.stderr)


WAYS = {
    "pull": pull,
    "stream": stream,
    "bus": lambda answer, subscriber: asyncio.run(
        bus(json.loads(Path(answer).read_text()), subscriber)
    ),
    "webhook": webhook,
}

if __name__ == "__main__":
    main(*sys.argv[1:])
