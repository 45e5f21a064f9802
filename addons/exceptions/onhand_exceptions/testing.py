"""What checks of every address need of this add-on."""

from datetime import datetime
from uuid import UUID

from onhand.access.services import NewUser, create_users
from onhand.db import cursor
from onhand.ids import uuid7
from onhand.testing import TESTER
from onhand.testing.samples import Place, Sample
from sqlalchemy.orm import Session

from onhand_exceptions.services import NamedView, NewDigest, Wish, act, call_due, make_digest, save_view

__all__ = ["observed_samples", "samples"]

OPEN = "SELECT id FROM exceptions.exception WHERE entity_id = %s AND location_id = %s AND status = 'open' ORDER BY id LIMIT 1"


def samples(session: Session, now: datetime, place: Place) -> dict[str, Sample]:
    """A view that somebody keeps, a digest of the entity that a program is told, and what it is told today."""
    name = f"{place.text} {uuid7().hex[-12:]}"
    [reader] = create_users(session, [NewUser(f"reader-{uuid7().hex[-12:]}", place.text)], by=TESTER, now=now)
    session.flush()
    entity_id = place.entity.id
    view = save_view(session, entity_id, reader.id, NamedView(name, "open", ""), by=TESTER, now=now)
    wish = NewDigest(name, "", "webhook", "https://hooks.example.org/onhand", "daily", 0)
    digest = make_digest(session, entity_id, wish, by=TESTER, user_id=reader.id, now=now)
    delivery = call_due(session, entity_id, site_url="", now=now)[-1]
    return {
        "views/view_id": Sample(str(view)),
        "digests/digest_id": Sample(str(digest)),
        "deliveries/delivery_id": Sample(str(delivery)),
    }


def observed_samples(session: Session, now: datetime, place: Place) -> dict[str, Sample]:
    """An open exception at the place's location, of whatever went wrong there, and an act upon it."""
    found = cursor(session).execute(OPEN, (place.entity.id, place.location_id)).fetchone()
    ids: list[UUID] = [found[0]] if found else []
    acted = act(session, place.entity.id, ids, Wish("comment", text=place.text), by=TESTER, now=now)
    made = {"acts/act_id": Sample(str(acted.id))}
    return made | ({"exceptions/exception_id": Sample(str(found[0]), at_location=True)} if found else {})
