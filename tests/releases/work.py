"""Clients that go on while services are replaced under them, and remember what was acknowledged."""

import random
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx

PATIENCE_SECONDS = 120.0
SIGN_UPS: dict[str, Any] = {
    "events": [{"id": "signed_up", "order": 0}, {"id": "paid", "order": 1}],
    "refresh": True,
}


class Client(threading.Thread):
    """Writes insights and captures events of people that nobody else has, each once, and reads its
    own writes.

    url_of: a service -> where one of its processes is. wrong: what it has seen that may not be.
    names: of its insights by number, as last acknowledged. people: whose events are acknowledged.
    longest_seconds: that it waited for one answer.
    """

    def __init__(
        self, number: int, url_of: Callable[[str], str], key: dict[str, str], token: str
    ) -> None:
        super().__init__(name=f"client {number}")
        self.enough = threading.Event()
        self.done = 0
        self.repeats = 0
        self.longest_seconds = 0.0
        self.wrong: list[str] = []
        self.names: dict[int, str] = {}
        self.people = 0
        self._number = number
        self._chance = random.Random(number)
        self._url_of = url_of
        self._key = key
        self._token = token

    def run(self) -> None:
        try:
            with httpx.Client(timeout=60) as http:
                while not self.enough.is_set():
                    self._chance.choice((self._write, self._write, self._capture, self._list))(http)
                    self.done += 1
        except Exception as cause:
            self.wrong.append(f"{type(cause).__name__}: {cause}")

    def _write(self, http: httpx.Client) -> None:
        name = f"{self._number} {uuid4()}"
        key = {**self._key, "Idempotency-Key": str(uuid4())}
        known = list(self.names)
        path = "/api/projects/1/insights/"
        if known and self._chance.random() < 0.6:
            method, path = "PATCH", f"{path}{self._chance.choice(known)}/"
        else:
            method = "POST"
        answer = self._ask(http, "command", method, path, headers=key, json={"name": name})
        number = answer.json()["id"]
        self.names[number] = name
        seen = {**self._key, "Insights-Position": answer.headers["Insights-Position"]}
        read = self._ask(http, "query", "GET", f"/api/projects/1/insights/{number}/", headers=seen)
        if read.json()["name"] != name:
            self.wrong.append(f"insight {number} is read as {read.json()['name']}, not {name}")

    def _capture(self, http: httpx.Client) -> None:
        who = f"{self._number}-{self.people}"
        batch = [
            {"event": event, "distinct_id": who, "uuid": str(uuid4())}
            for event in ("signed_up", "paid")
        ]
        body = {"api_key": self._token, "batch": batch}
        self._ask(http, "command", "POST", "/batch/", json=body)
        self.people += 1

    def _list(self, http: httpx.Client) -> None:
        where = "/api/projects/1/insights/?limit=5"
        self._ask(http, "query", "GET", where, headers=self._key)

    def _ask(
        self, http: httpx.Client, service: str, method: str, path: str, **sent: Any
    ) -> httpx.Response:
        """Again and again until it is answered, of whichever process runs: the same request."""
        began = time.monotonic()
        answered: object = None
        while time.monotonic() < began + PATIENCE_SECONDS:
            try:
                answer = http.request(method, f"{self._url_of(service)}{path}", **sent)
            except (httpx.TransportError, IndexError) as cause:
                answered = cause
            else:
                if answer.is_success:
                    self.longest_seconds = max(self.longest_seconds, time.monotonic() - began)
                    return answer
                answered = f"{answer.status_code} {answer.text}"
                if answer.status_code < 500 and answer.status_code != 429:
                    break
            self.repeats += 1
            time.sleep(0.1)
        raise AssertionError(f"{method} {path} of {service}: {answered}")
