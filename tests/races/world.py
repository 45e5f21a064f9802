"""A web shop on the running site: its items, its token, and what the database says became of them."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from onhand_channels.testing import make_channel
from onhand_master_data.testing import make_items, make_location
from onhand_reservations.testing import confirm_hold, hold_units
from onhand_stock.testing import differences, receive, states_of

from races.callers import Answer, Ask, storm

__all__ = ["World", "build"]

PERMISSIONS = ("reservations.hold", "reservations.read", "channels.post_events")
_keys = itertools.count(1)


@dataclass
class World:
    """Entity A's shop, served at `url`. Every call from here is its own transaction or request."""

    transact: Callable[..., Any]
    superuser: Callable[..., list[tuple[Any, ...]]]
    entity: Any
    channel: Any
    store: Any
    items: list[Any]
    secret: str
    url: str

    @property
    def sku(self) -> str:
        return str(self.items[0].sku)

    def run(self, command: Callable[..., Any]) -> Any:
        return self.transact(command, [self.entity])

    def stock(self, units: int, *items: Any) -> None:
        what = {item.id: units for item in items or self.items[:1]}
        self.run(lambda s, now: receive(s, now, self.entity.id, self.store.id, what) and None)

    def states(self, item: Any = None) -> dict[str, int]:
        item_id = (item or self.items[0]).id
        found: dict[str, int] = self.run(lambda s, _: states_of(s, self.entity.id, self.store.id, item_id))
        return found

    def wish(self, lines: Sequence[tuple[str, int]] | None = None, *, key: str | None = None, **more: Any) -> Ask:
        """Return a request to hold, one unit of the first item unless said, under a key of its own unless said."""
        wanted = [{"sku": sku, "quantity": quantity} for sku, quantity in lines or [(self.sku, 1)]]
        body = {"channel": self.channel.code, "reference": f"web-{next(_keys)}", "lines": wanted} | more
        return Ask("/reservations", body, key or f"race-{next(_keys)}")

    def change(self, verb: str, hold_id: Any, body: Any = None) -> Ask:
        return Ask(f"/reservations/{hold_id}/{verb}", body or {}, f"race-{next(_keys)}")

    def storm(self, *asks: Ask) -> list[Answer]:
        return storm(self.url, self.secret, asks)

    def holds(self, how_many: int, *, firm: bool = False, **more: Any) -> list[Any]:
        """Hold one unit each, so many times, and confirm them if firm."""

        def command(session: Any, now: Any) -> list[Any]:
            made = [hold_units(session, now, self.channel, {self.sku: 1}, **more) for _ in range(how_many)]
            return [confirm_hold(session, now, one) for one in made] if firm else made

        made: list[Any] = self.run(command)
        return made

    def run_out(self, *holds: Any) -> None:
        """Let holds be past their time, as if it had gone by."""
        ids = [one.id for one in holds]
        self.superuser("UPDATE reservations.hold SET expires_at = now() - interval '1 ms' WHERE id = ANY(%s)", ids)

    def statuses(self) -> dict[str, int]:
        """Count holds by their status."""
        return dict(self.superuser("SELECT status, count(*)::int FROM reservations.hold GROUP BY status"))

    def status_of(self, hold: Any) -> str:
        return str(self.superuser("SELECT status FROM reservations.hold WHERE id = %s", hold.id)[0][0])

    def check(self) -> None:
        """Assert that every invariant holds."""
        assert self.transact(differences) == []


def build(
    transact: Callable[..., Any], superuser: Callable[..., Any], entity: Any, token: Callable[..., str], url: str
) -> World:
    """Found the shop: one store, ten items, no stock."""

    def found(session: Any, now: Any) -> tuple[Any, Any, list[Any]]:
        store = make_location(session, now, entity.id, code="S1")
        channel = make_channel(session, now, entity.id, store.id, code="web")
        return store, channel, make_items(session, now, 10, entity.id)

    store, channel, items = transact(found, [entity])
    secret = token(entity, *PERMISSIONS)
    return World(transact, superuser, entity, channel, store, sorted(items, key=lambda one: one.id), secret, url)
