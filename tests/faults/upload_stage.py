"""Files on their way through tus, and the faults that fall on them."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from app.core.identity import Role
from tests.factories.accounts import bearer, make_person
from tests.factories.cutting_proxy import cutting_proxy
from tests.factories.exercises import make_exercise
from tests.faults.site import Site
from tests.faults.tus_sender import Sender
from tests.faults.upload_checker import Sent
from tests.faults.web import Web, limit_files

TOKEN_SECONDS = 300.0
BLOCK = 64 << 20
_HEAD = b"\0\0\0\x20ftypisom"

KINDS = ["cut", "duplicate", "offset", "checksum", "stale", "worker", "server", "database", "disk"]
WHOLE_SERVER = {"worker", "server", "database", "disk"}


@dataclass
class Stage:
    """The server, who sends to it, and what was sent."""

    site: Site
    web: Web
    chance: random.Random
    sent: list[Sent] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    _said: dict[str, str] = field(default_factory=dict)
    _signed_in: float = 0.0

    def __post_init__(self) -> None:
        with self.site.database.transaction() as session:
            self._officer = make_person(session, roles=[Role.DATA_OFFICER])
            self._exercise = str(make_exercise(session, organisation_id=self._officer.organisation_id).id)

    def round(self, kind: str, *, large: bool) -> str:
        """One file on its way meets one fault; says which, and what the client was answered."""
        self._sign_in()
        sender = self._begin((64 << 20) + self.chance.randrange(2 << 20) if large else None)
        beside = self._begin(None) if kind in WHOLE_SERVER else None
        own = random.Random(self.chance.random())
        helper = threading.Thread(target=self._finish, args=(beside, own)) if beside else None
        if helper:
            helper.start()
        try:
            if self.chance.random() < 0.7:  # some bytes are acknowledged before
                sender.patch(0, sender.data[: self.chance.randrange(len(sender.data) // 2)])
            fault: Callable[[Sender, int], str] = getattr(self, f"_{kind}")
            answered = fault(sender, sender.where())
        finally:
            if helper:
                helper.join()
        self._finish(sender, self.chance)
        return f"{kind}: {answered}"

    def _sign_in(self) -> None:
        """A campaign lasts for longer than a token."""
        if self._said and time.monotonic() - self._signed_in < TOKEN_SECONDS:
            return
        with self.site.database.transaction() as session:
            self._said = bearer(session, self._officer) | {"Tus-Resumable": "1.0.0"}
        self._signed_in = time.monotonic()

    def _begin(self, length: int | None) -> Sender:
        size = length or self.chance.choice(
            (self.chance.randrange(100, 5000), self.chance.randrange(3 << 20))
        )
        sender = Sender(self.web.address, self._said, _HEAD + self.chance.randbytes(size))
        sender.create(self._exercise)
        self.sent.append(Sent(sender.upload, len(sender.data), _blocks(sender.data), _digest(sender.data)))
        return sender

    def _finish(self, sender: Sender, chance: random.Random) -> None:
        try:
            sender.finish(chance)
        except TimeoutError as stuck:
            self.wrong.append(str(stuck))
        self.wrong += [f"upload {sender.upload}: {one}" for one in sender.wrong]

    def _some(self, sender: Sender, offset: int) -> int:
        """How many of the bytes that are left go out first; all of them in one case of four."""
        left = len(sender.data) - offset
        return left if self.chance.random() < 0.25 else self.chance.randrange(left)

    def _piece(self, sender: Sender, offset: int) -> bytes:
        return sender.data[offset : offset + self.chance.randint(1, len(sender.data) - offset)]

    def _expect(self, sender: Sender, status: int, *allowed: int) -> str:
        if status not in allowed:
            self.wrong.append(f"upload {sender.upload}: {status} came, not {' or '.join(map(str, allowed))}")
        return str(status or "no answer")

    # Faults of the line and the client.

    def _cut(self, sender: Sender, offset: int) -> str:
        left = len(sender.data) - offset
        with cutting_proxy(
            self.web.address, self.chance.randrange(2**31), cuts=1, longest=left + 200
        ) as proxy:
            status = sender.patch(offset, sender.data[offset:], address=proxy.address)
            kind = proxy.done[0].kind if proxy.done else "nothing"
            sender.where()  # while the server may still listen to the dead connection
        return f"{kind} cut, {status or 'no answer'}"

    def _duplicate(self, sender: Sender, offset: int) -> str:
        """The same request twice: one after the other, or at once, when one alone may write."""
        piece, answers = self._piece(sender, offset), list[int]()
        if self.chance.random() < 0.5:
            first = self._expect(sender, sender.patch(offset, piece), 204)
            return f"{first} then {self._expect(sender, sender.patch(offset, piece), 409)}"
        twins = [
            threading.Thread(target=lambda: answers.append(sender.patch(offset, piece))) for _ in range(2)
        ]
        for twin in twins:
            twin.start()
        for twin in twins:
            twin.join()
        if sorted(answers) not in ([204, 409], [204, 423]):
            self.wrong.append(f"upload {sender.upload}: twins were answered {answers}")
        return "at once, " + " and ".join(map(str, sorted(answers)))

    def _offset(self, sender: Sender, offset: int) -> str:
        """Bytes of the file, said to lie elsewhere."""
        others = {max(0, offset - 1), offset + 1, 0, len(sender.data)} - {offset}
        claimed = self.chance.choice(sorted(others))
        return self._unmoved(sender, offset, sender.patch(claimed, b"elsewhere"), 409)

    def _checksum(self, sender: Sender, offset: int) -> str:
        piece = self._piece(sender, offset)
        if self.chance.random() < 0.5:  # the bytes are wrong, not what is said of them
            spoilt = bytes([piece[0] ^ 1]) + piece[1:]
            return self._unmoved(sender, offset, sender.patch(offset, spoilt, digest=_digest(piece)), 460)
        return self._unmoved(sender, offset, sender.patch(offset, piece, digest=_digest(b"other")), 460)

    def _unmoved(self, sender: Sender, offset: int, status: int, wanted: int) -> str:
        if (now := sender.where()) != offset:
            self.wrong.append(f"upload {sender.upload}: refused bytes moved it from {offset} to {now}")
        return self._expect(sender, status, wanted)

    def _stale(self, sender: Sender, offset: int) -> str:
        """A connection that holds the upload and says nothing more; later it wakes and goes on where it was."""
        after = min(self._some(sender, offset), len(sender.data) - offset - 1)
        with sender.open_patch(offset, after) as sock:
            started = time.monotonic()
            there = sender.where()
            took = time.monotonic() - started
            sender.patch(there, self._piece(sender, there))
            try:
                sock.sendall(sender.data[offset + after :])
            except OSError:
                return f"resumed within {took:.0f} s, the old one was cut"
            return f"resumed within {took:.0f} s"

    # Faults of the whole server.

    def _worker(self, sender: Sender, offset: int) -> str:
        pid = self.web.worker
        return self._struck(sender, offset, lambda: os.kill(pid, signal.SIGKILL))

    def _server(self, sender: Sender, offset: int) -> str:
        answered = self._struck(sender, offset, self.web.kill)
        time.sleep(self.chance.uniform(0, 1))
        self.web.start()
        return answered

    def _database(self, sender: Sender, offset: int) -> str:
        try:
            return self._struck(sender, offset, self.site.kill_database)
        finally:
            time.sleep(self.chance.uniform(0, 1))
            self.site.server.start()

    def _disk(self, sender: Sender, offset: int) -> str:
        """A disk that takes part of what is left, for this process; then there is room again."""
        pid, room = self.web.worker, offset + self.chance.randrange(len(sender.data) - offset)
        limit_files(pid, room)
        try:
            status = sender.patch(offset, sender.data[offset:])
            if (told := sender.where()) > room:
                self.wrong.append(f"upload {sender.upload}: {told} told, of which {room} fit")
            return self._expect(sender, status, 503)
        finally:
            limit_files(pid, None)

    def _struck(self, sender: Sender, offset: int, kill: Callable[[], None]) -> str:
        wait = self.chance.uniform(0, 0.03)

        def blow() -> None:
            time.sleep(wait)
            kill()

        return str(sender.struck(offset, self._some(sender, offset), blow) or "no answer")


def _blocks(data: bytes) -> list[bytes]:
    return [_digest(data[start : start + BLOCK]) for start in range(0, len(data), BLOCK)]


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
