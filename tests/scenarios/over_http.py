"""The real world again, by its front doors: REST requests with tokens, under the database's own clock."""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from onhand.testing import ApiClient
from onhand_reservations.jobs import expire_step
from werkzeug.test import TestResponse

from scenarios import asks
from scenarios.asks import Answer, Ask, Done, Granted, Refused, Seen, Told
from scenarios.doors import Store
from scenarios.plot import END
from scenarios.real import Real
from scenarios.story import MARKETPLACE, STORE, TILL, WEB

__all__ = ["OverHttp"]

LONG_SECONDS, SHORT_SECONDS = 86_400, 1
LOOK_SECONDS = 0.02


class OverHttp(Real):
    """Each ask is a request. Holds that are to run out last a second, since nobody can put the database's clock on."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._keys = count(1)
        self._lapsing: dict[str, datetime] = {}
        self._senders = {code: self._client("channels.post_events", source=code) for code in (WEB, TILL, MARKETPLACE)}
        self._shop = self._client("reservations.hold", source=WEB)
        self._clerk = self._client("stock.read", "stock.adjust", person=store.manager)

    def moment(self, slot: int, rank: int) -> datetime:
        if slot >= END:
            self._wait(list(self._lapsing))
        return self.clock()

    def clock(self) -> datetime:
        now: datetime = self._run(lambda _, now: now)
        return now

    def ask(self, asks: Sequence[Ask]) -> list[Answer]:
        kind = type(asks[0]).__name__.lower()
        if kind == "hold":
            return self._hold(asks)
        return [getattr(self, f"_{kind}")(ask) for ask in asks]

    def sweep(self) -> datetime:
        now = self.clock()
        with self.store.site.app.app_context():
            while expire_step([self.store.entity.id]):
                pass
        return now

    def _client(self, *permissions: str, **more: Any) -> ApiClient:
        site = self.store.site
        return ApiClient(site.app, site.token(self.store.entity, *permissions, **more))

    def _post(self, client: ApiClient, path: str, body: Any) -> Any:
        return client.post(f"/api/v1{path}", json=body, headers={"Idempotency-Key": f"story-{next(self._keys)}"})

    def _hold(self, wishes: Sequence[Any]) -> list[Answer]:
        requests = [
            {
                "key": f"wish-{one.reference}",
                "channel": WEB,
                "reference": one.reference,
                "ttl_seconds": SHORT_SECONDS if one.lapses else LONG_SECONDS,
                "lines": [{"sku": one.sku, "location": STORE, "quantity": 1}],
            }
            for one in wishes
        ]
        answer = self._post(self._shop, "/reservations/batch", {"requests": requests})
        assert answer.status_code == 200, answer.text
        return [self._granted(one, result) for one, result in zip(wishes, answer.json["results"], strict=True)]

    def _granted(self, wish: asks.Hold, result: dict[str, Any]) -> Answer:
        if result["status"] != 201:
            assert result["status"] == 409, result
            return Refused(result["body"]["type"])
        expires_at = datetime.fromisoformat(result["body"]["expires_at"])
        if wish.lapses:
            self._lapsing[result["body"]["id"]] = expires_at
        return Granted(result["body"]["id"], expires_at)

    def _confirm(self, one: asks.Confirm) -> Answer:
        self._wait([one.hold])
        return self._change(one.hold, "confirm", {})

    def _release(self, one: asks.Release) -> Answer:
        return self._change(one.hold, "release", {"event": one.why})

    def _fulfil(self, one: asks.Fulfil) -> Answer:
        return self._change(one.hold, "fulfil", {})

    def _change(self, hold: str, verb: str, body: dict[str, str]) -> Answer:
        answer = self._post(self._shop, f"/reservations/{hold}/{verb}", body)
        assert answer.status_code in {200, 409}, answer.text
        return Done() if answer.status_code == 200 else Refused(_json(answer)["reason"])

    def _tell(self, one: asks.Tell) -> Answer:
        answer = self._senders[one.channel].post("/api/v1/events", json=list(one.events))
        assert answer.status_code == 200, answer.text
        return Told(tuple(result["outcome"] for result in _json(answer)["results"]))

    def _position(self, one: asks.Position) -> Answer:
        answer = self._clerk.get("/api/v1/movements", query_string={"sku": one.sku, "location": STORE, "limit": 1})
        assert answer.status_code == 200, answer.text
        return Seen(next((entry["id"] for entry in _json(answer)["items"]), None))

    def _count(self, one: asks.Count) -> Answer:
        line = {"sku": one.sku, "counted": one.counted} | ({"position": one.position} if one.position else {})
        body = {"location": STORE, "counted_at": one.counted_at.isoformat(), "lines": [line]}
        answer = self._post(self._clerk, "/counts", body)
        assert answer.status_code == 201, answer.text
        return Done()

    def _wait(self, holds: Sequence[str]) -> None:
        """Wait until holds that are to run out have: a second at most."""
        until = max((self._lapsing.pop(hold) for hold in holds if hold in self._lapsing), default=None)
        while until is not None and self.clock() <= until + timedelta(milliseconds=1):
            time.sleep(LOOK_SECONDS)


def _json(answer: TestResponse) -> Any:
    return answer.json
