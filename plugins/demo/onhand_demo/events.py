"""CloudEvents as the demo's channels send them, encoded before the clock starts but for their `time`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

STOCK_REPORT = "onhand.stock_report.v1"
SALE, ORDER, CANCELLATION, SHIPMENT, RECEIPT, RETURN = (
    f"onhand.{noun}.v1" for noun in ("sale", "order", "cancellation", "shipment", "receipt", "return")
)


@dataclass(frozen=True, slots=True)
class Event:
    """What happened, `delay_s` seconds before it is first sent."""

    id: str
    type: str
    channel: str
    delay_s: float
    data: Mapping[str, Any]


@dataclass(slots=True)
class Envelope:
    """An event ready to send: bytes on both sides of its time, which the first sending fixes for ever.

    Every later sending gives the same bytes, as a retry must. `altered` puts another body under the same
    envelope, and so under the same id and time.
    """

    event: Event
    _head: bytes = field(init=False, repr=False)
    _tail: bytes = field(init=False, repr=False)
    _time: bytes | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        event = self.event
        named = {"specversion": "1.0", "id": event.id, "source": event.channel, "type": event.type}
        self._head = msgspec.json.encode(named)[:-1] + b',"time":"'
        self._tail = b'","datacontenttype":"application/json","data":' + msgspec.json.encode(event.data) + b"}"

    def stamped(self, now: datetime) -> bytes:
        """The event as JSON; its time is `now` less the delay, unless it was sent before. Not thread-safe."""
        if self._time is None:
            occurred = now - timedelta(seconds=self.event.delay_s)
            self._time = occurred.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode()
        return self._head + self._time + self._tail

    def altered(self, data: Mapping[str, Any]) -> AlteredEnvelope:
        """The same id and time with another body: what a faulty till does."""
        return AlteredEnvelope(self, data)


@dataclass(slots=True)
class AlteredEnvelope:
    """A second body under the id and the time of an envelope."""

    original: Envelope
    data: Mapping[str, Any]

    @property
    def event(self) -> Event:
        """The event as this body tells it."""
        kept = self.original.event
        return Event(kept.id, kept.type, kept.channel, kept.delay_s, self.data)

    def stamped(self, now: datetime) -> bytes:
        """The altered event as JSON, at the time of the original's first sending."""
        twin = Envelope(self.event)
        self.original.stamped(now)
        twin._time = self.original._time
        return twin.stamped(now)
