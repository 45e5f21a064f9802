"""Entities, places and people for trying every address: who holds what, and one of everything at each place."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from flask.testing import FlaskClient
from onhand.access.principal import permits
from onhand.access.services import RoleAt
from onhand.audit.sealing import seal_now
from onhand.jobs import drain
from onhand.testing import Entity
from onhand.testing.people import csrf_token, sign_in
from onhand.testing.samples import Place, Sample, samples_of
from onhand.testing.site import Site

from walls.bodies import Bodies
from walls.matrix import Address, addresses

__all__ = ["Caller", "Stage", "furnish", "names_of"]

OWN_TABLES = """
SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'entity_id'
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND (n.nspname, c.relname) NOT IN (('onhand', 'audit'), ('onhand', 'outbox'), ('onhand', 'job')) ORDER BY 1
"""


NAMED = {
    "location": "locations/code",
    "channel": "channels/code",
    "source": "channels/code",
    "sku": "items/sku",
    "skus": "items/sku",
}


def names_of(samples: Mapping[str, Sample]) -> dict[str, str]:
    """Return what a body calls the samples, by the property that names them."""
    return {name: samples[key].value for name, key in NAMED.items() if key in samples}


def furnish(site: Site, places: Sequence[Place]) -> list[dict[str, Sample]]:
    """Make one of everything at each place, have all events told and the audit trail sealed; return the samples."""
    made = _made(site, places, observed=False)
    with site.app.app_context():
        drain()
        seal_now()
    return [{**one, **two} for one, two in zip(made, _made(site, places, observed=True), strict=True)]


def _made(site: Site, places: Sequence[Place], *, observed: bool) -> list[dict[str, Sample]]:
    return [
        site.transact(
            lambda session, now, place=place: samples_of(session, now, site.addons, place, observed=observed),
            entities=[place.entity],
        )
        for place in places
    ]


@dataclass
class Caller:
    """Someone at both kinds of doors: a browser that is signed in, and a token."""

    browser: FlaskClient
    token: str | None
    bodies: Bodies
    own: Mapping[str, Sample]
    csrf: str = ""

    def ask(self, address: Address, path: str, *, about: Mapping[str, Sample] | None = None, **more: Any) -> Any:
        """Ask with the least body that the address takes; what it names are the samples `about`, or A's."""
        if address.door.is_api:
            body = self.bodies.asked(address.method, address.rule) if address.is_unsafe else None
            if body is not None:
                more.setdefault("json", self.bodies.least(body, names_of(self.own if about is None else about)))
            return address.ask(self.browser, path, token=self.token, **more)
        return address.ask(self.browser, path, csrf=self.csrf, **more)


@dataclass
class Stage:
    """Places in A (two) and in B (one), with samples of everything at each."""

    site: Site
    a: Entity
    b: Entity
    text: str = "Sample"
    here: Place = field(init=False)
    own: dict[str, Sample] = field(init=False)
    elsewhere: dict[str, Sample] = field(init=False)
    others: dict[str, Sample] = field(init=False)

    def __post_init__(self) -> None:
        app = self.site.app
        app.config["PROPAGATE_EXCEPTIONS"] = False
        places = [Place(entity, self.text) for entity in (self.a, self.a, self.b)]
        self.here = places[0]
        self.own, self.elsewhere, self.others = furnish(self.site, places)
        self._roles: dict[tuple[str, ...], str] = {}

    @cached_property
    def addresses(self) -> list[Address]:
        return addresses(self.site.app)

    @cached_property
    def bodies(self) -> Bodies:
        return Bodies(self.site.app)

    @cached_property
    def permissions(self) -> list[str]:
        return sorted(self.site.app.extensions["onhand_access"].permissions)

    def complete(self) -> list[Address]:
        """Return the addresses that there is a sample for."""
        return [address for address in self.addresses if not address.missing(self.own)]

    def caller(
        self, permissions: Collection[str], entity: Entity | None = None, location_id: int | None = None
    ) -> Caller:
        """Return someone who holds exactly these permissions in an entity (A), or at one location of it."""
        where = entity or self.a
        held = tuple(sorted(permissions))
        roles = (RoleAt(self._role(held), where.id, location_id),) if held else ()
        person = self.site.person(*roles)
        return self._enter(person, where if held else None, held)

    def _enter(self, person: Any, where: Entity | None, held: Collection[str]) -> Caller:
        browser = self.site.app.test_client()
        self.site.redis.flushdb()  # people sign in faster here than any limit allows
        self.site.redis.flushdb()  # so many people sign in from one address that the door would ask them to wait
        sign_in(browser, person, where)
        token = self.site.token(where or self.a, *held, person=person if held else None)
        return Caller(browser, token, self.bodies, self.own, csrf_token(browser, "/"))

    def holder(self, role: str) -> tuple[Caller, frozenset[str]]:
        """Return someone who has a role that comes with the site, in A, and what it permits."""
        patterns = [row[0] for row in self.site.database.superuser(
            "SELECT p.permission FROM onhand.role_permission p JOIN onhand.role r ON r.id = p.role_id WHERE r.code = %s", role
        )]  # fmt: skip
        held = permits(patterns, self.permissions)
        return self._enter(self.site.person(RoleAt(role, self.a.id)), self.a, held), held

    def _role(self, permissions: tuple[str, ...]) -> str:
        if permissions not in self._roles:
            code = f"matrix_{len(self._roles)}"
            [(role_id,)] = self.site.database.superuser(
                "INSERT INTO onhand.role (code, name) VALUES (%s, %s) RETURNING id", code, code
            )
            self.site.database.superuser(
                "INSERT INTO onhand.role_permission (role_id, permission) SELECT %s, unnest(%s::text[])",
                role_id,
                list(permissions),
            )
            self._roles[permissions] = code
        return self._roles[permissions]

    def strike(self) -> None:
        """Take away the roles that were made: their table keeps what it began with."""
        made = list(self._roles.values())
        ids = "(SELECT id FROM onhand.role WHERE code = ANY(%s))"
        for table, key in (("user_role", "role_id"), ("role_permission", "role_id"), ("role", "id")):
            self.site.database.superuser(f"DELETE FROM onhand.{table} WHERE {key} IN {ids}", made)

    def fingerprint(self, entity: Entity) -> dict[str, str]:
        """Return a digest of all rows of an entity, per table; of what only tells of changes there is none."""
        ask = self.site.database.superuser
        return {
            table: hashlib.sha256(
                "\n".join(
                    sorted(row[0] for row in ask(f"SELECT t::text FROM {table} t WHERE entity_id = %s", entity.id))
                ).encode()
            ).hexdigest()
            for (table,) in ask(OWN_TABLES)
        }
