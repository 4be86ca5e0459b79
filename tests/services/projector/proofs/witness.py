"""A witness over HTTP, as C2SP's tlog-witness describes one; it remembers what it cosigned."""

import base64
import contextlib
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.merkle import consistent
from contracts.notes import (
    COSIGNATURE,
    Checkpoint,
    cosigned,
    parse_checkpoint,
    parse_note,
    signers,
    verifier_key,
)
from services.common.proofs.checkpoints import LogKey
from services.projector.proofs.witnesses import Witness

AT = 1_700_000_000


class TestWitness:
    """seen: origin -> the last checkpoint that it cosigned. answers: what it was asked and said.

    away: it answers 503. keys: of the log, that it trusts.
    """

    __test__ = False

    def __init__(self, name: str = "witness.example/w1") -> None:
        self.name = name
        self.key = Ed25519PrivateKey.generate()
        self.seen: dict[str, Checkpoint] = {}
        self.answers: list[tuple[int, int]] = []
        self.away = False
        self.keys: Sequence[LogKey] = ()
        self.url = ""

    @property
    def vkey(self) -> str:
        return verifier_key(self.name, self.key, COSIGNATURE).text

    @property
    def witness(self) -> Witness:
        return Witness(verifier_key(self.name, self.key, COSIGNATURE), self.url)

    def answer(self, body: str) -> tuple[int, str]:
        head, _, whole = body.partition("\n\n")
        old_line, *proof = head.split("\n")
        old = int(old_line.removeprefix("old "))
        note = parse_note(whole)
        checkpoint = parse_checkpoint(note.text)
        status, text = self._judged(old, [base64.b64decode(line) for line in proof], whole)
        self.answers.append((old, status))
        if status == 200:
            self.seen[checkpoint.origin] = checkpoint
        return status, text

    def _judged(self, old: int, proof: list[bytes], whole: str) -> tuple[int, str]:
        note = parse_note(whole)
        checkpoint = parse_checkpoint(note.text)
        if self.away:
            return 503, ""
        if not signers(note, [key.named(checkpoint.origin) for key in self.keys]):
            return 403, ""
        seen = self.seen.get(checkpoint.origin)
        size = 0 if seen is None else seen.size
        if old != size:
            return 409, f"{size}\n"
        if seen is not None and old == checkpoint.size and seen.root != checkpoint.root:
            return 409, f"{size}\n"
        if seen is not None and not consistent(
            old, checkpoint.size, seen.root, checkpoint.root, proof
        ):
            return 422, ""
        return 200, cosigned(note.text, self.name, self.key, AT).line


@contextlib.contextmanager
def witnessing() -> Iterator[TestWitness]:
    witness = TestWitness()

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            known = self.path == "/prefix/add-checkpoint"
            status, text = witness.answer(body) if known else (404, "")
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Door) as server:
        witness.url = f"http://127.0.0.1:{server.server_port}/prefix"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield witness
        finally:
            server.shutdown()
            thread.join()
