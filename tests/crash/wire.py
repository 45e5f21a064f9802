"""A client's connection: sends a request again, the same bytes under the same key, until it is answered."""

import http.client
import json
import threading
import time
from dataclasses import dataclass

from crash.journal import Command, Facts, Journal
from crash.world import World

__all__ = ["Healed", "Walked", "Wire"]

TIMEOUT_SECONDS = 15.0
PAUSE_SECONDS = (0.05, 0.8)
ANSWERED = frozenset({200, 201, 400, 401, 403, 404, 409, 413, 422})


class Walked(Exception):
    """The client walked away from a request without an answer; what became of it is unknown."""


class Healed(threading.Event):
    """Set once no fault is in force any more and the site is up; after `patience_seconds` more, answers are overdue."""

    def __init__(self, patience_seconds: float) -> None:
        super().__init__()
        self._patience_seconds = patience_seconds
        self._since = 0.0

    @property
    def is_long_ago(self) -> bool:
        """Whether an answer may no longer be missing."""
        return self.is_set() and time.monotonic() > self._since + self._patience_seconds

    def set(self) -> None:
        """Tell everyone who waits."""
        self._since = time.monotonic()
        super().set()


@dataclass
class Wire:
    """One keep-alive connection, of one client."""

    port: int
    world: World
    journal: Journal
    healed: Healed
    _connection: http.client.HTTPConnection | None = None

    def ask(self, command: Command, *, is_impatient: bool = False) -> int:
        """Send a command until it is answered, and note the answer; Walked when it never is."""
        self.journal.begin(command)
        headers = {"Idempotency-Key": command.key}
        status, answer = self._until_answered(command.path, command.body, "web", headers, is_impatient=is_impatient)
        self.note(command, status, answer)
        return status

    def note(self, command: Command, status: int, answer: bytes) -> None:
        """Note an answer; what a client of good faith must never be told is a complaint."""
        if command.outcome != "unknown":
            if (status, answer) != (command.status, command.answer):
                self.journal.complain(f"{command.key}: answered {command.status}, and asked again {status} otherwise")
            return
        command.status, command.answer = status, answer
        command.outcome = "acknowledged" if status < 300 else "refused"
        if status not in {200, 201, 409}:
            self.journal.complain(f"{command.key}: answered {status} {answer[:300]!r}")

    def again(self, command: Command) -> None:
        """Send an answered command once more: it must be told the same."""
        self.journal.repeats += 1
        status, answer = self._until_answered(command.path, command.body, "web", {"Idempotency-Key": command.key})
        self.note(command, status, answer)

    def twice(self, command: Command) -> int:
        """Send a command on two connections at once, then see it through."""
        self.journal.begin(command)
        answers = [self._start(command) for _ in range(2)]
        for connection in answers:
            self._finish(connection, command)
        if command.outcome == "unknown":
            headers = {"Idempotency-Key": command.key}
            self.note(command, *self._until_answered(command.path, command.body, "web", headers))
        return command.status

    def tell(self, channel: str, events: list[tuple[Facts, bytes]], *, is_impatient: bool = False) -> None:
        """Send events, one or a batch, each with the body to send, until they are answered, and note the outcomes."""
        bodies = [body for _, body in events]
        body = bodies[0] if len(bodies) == 1 else b"[" + b",".join(bodies) + b"]"
        status, answer = self._until_answered("/api/v1/events", body, channel, {}, is_impatient=is_impatient)
        if status != 200:
            self.journal.complain(f"{len(events)} events: answered {status} {answer[:300]!r}")
            return
        for (event, sent), result in zip(events, json.loads(answer)["results"], strict=True):
            self.journal.told(event, result, is_original=sent == event.body)

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _until_answered(
        self, path: str, body: bytes, channel: str, headers: dict[str, str], *, is_impatient: bool = False
    ) -> tuple[int, bytes]:
        pause = PAUSE_SECONDS[0]
        while True:
            is_late = self.healed.is_long_ago
            status, answer = self._try(path, body, channel, headers)
            if status in ANSWERED:
                return status, answer
            if is_late:
                self.journal.complain(f"{path}: still no answer, {status}, long after everything was healed")
            if is_late or is_impatient:
                raise Walked
            time.sleep(pause)
            pause = min(pause * 2, PAUSE_SECONDS[1])

    def _try(self, path: str, body: bytes, channel: str, headers: dict[str, str]) -> tuple[int, bytes]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)
        try:
            self._connection.request("POST", path, body, {**self._headers(channel), **headers})
            response = self._connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            self.journal.missed(type(error).__name__)
            return 0, b""
        if response.status not in ANSWERED:
            self.journal.missed(str(response.status))
        return response.status, answer

    def _headers(self, channel: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.world.tokens[channel]}", "Content-Type": "application/json"}

    def _start(self, command: Command) -> http.client.HTTPConnection | None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)
        headers = {**self._headers("web"), "Idempotency-Key": command.key}
        try:
            connection.request("POST", command.path, command.body, headers)
        except (OSError, http.client.HTTPException) as error:
            self.journal.missed(type(error).__name__)
            return None
        return connection

    def _finish(self, connection: http.client.HTTPConnection | None, command: Command) -> None:
        if connection is None:
            return
        try:
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.journal.missed(type(error).__name__)
        else:
            if response.status in ANSWERED:
                self.note(command, response.status, answer)
            else:
                self.journal.missed(str(response.status))
        finally:
            connection.close()
