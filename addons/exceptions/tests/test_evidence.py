"""Evidence becomes one exception per cause, and the kind's own word decides whether it is open."""

from datetime import timedelta

import pytest
from onhand.access.services import RoleAt
from onhand.actors import Actor
from onhand.db import cursor
from onhand.enablement import Change, change
from onhand.events import AddonEnabled, ExceptionsRaised
from onhand.metrics import exposition
from onhand.outbox import publish
from onhand.transaction import run
from onhand_exceptions import jobs, services
from onhand_exceptions.models import Activity, Evidence, Exception_, Occurrence
from sqlalchemy import select


def all_of(transact, model, *order):
    def read(session, now):
        rows = session.scalars(select(model).order_by(*order)).all()
        return [{col.name: getattr(row, col.name) for col in model.__table__.columns} for row in rows]

    return transact(read)


def the_exception(transact):
    (row,) = all_of(transact, Exception_)
    return row


def verbs(transact):
    return [row["verb"] for row in all_of(transact, Activity, Activity.id)]


def raise_(transact, causes, kind="leak", *, later=timedelta(0)):
    transact(lambda session, now: services.record(session, causes, kind, now=now + later))


def test_two_kinds_of_one_cause_are_one_exception(transact, world, cause):
    world["leak"] = {cause().key: cause(quantity=5)}
    world["noise"] = {cause().key: cause(quantity=2)}
    raise_(transact, [cause(minute=3, quantity=1)], "noise")
    raise_(transact, [cause(minute=1, quantity=4), cause(minute=2, quantity=5)], "leak")
    row = the_exception(transact)
    assert (row["kind"], row["severity"], row["quantity"], row["count"]) == ("leak", 3, 5, 3)
    assert (row["sku"], row["location"]) == ("A-1", "S7")
    evidence = {v["kind"]: v["count"] for v in all_of(transact, Evidence)}
    assert evidence == {"leak": 2, "noise": 1}


def test_the_same_evidence_delivered_again_counts_once(transact, world, cause):
    world["leak"] = {cause().key: cause()}
    for _ in range(3):
        raise_(transact, [cause(minute=1), cause(minute=1)])
    assert the_exception(transact)["count"] == 1
    assert len(all_of(transact, Occurrence)) == 1


def test_evidence_is_named_by_its_id_where_it_has_one(transact, world, cause):
    world["leak"] = {cause().key: cause()}
    raise_(transact, [cause(minute=1, id="m-1"), cause(minute=1, id="m-2"), cause(minute=2, id="m-1")])
    assert the_exception(transact)["count"] == 2


def test_evidence_of_what_is_already_gone_leaves_nothing_open(transact, world, cause):
    raise_(transact, [cause()])
    row = the_exception(transact)
    assert (row["status"], row["resolution"], row["resolved_by"]) == ("resolved", "gone", "system:exceptions")
    assert verbs(transact) == ["raised", "closed"]


def test_late_evidence_of_what_is_gone_joins_its_closed_episode(transact, world, cause):
    raise_(transact, [cause(minute=5)])
    raise_(transact, [cause(minute=1)])
    row = the_exception(transact)
    assert (row["status"], row["count"], row["episode"]) == ("resolved", 2, 1)
    assert verbs(transact) == ["raised", "closed"]


def test_it_stays_open_while_one_of_its_kinds_holds(transact, world, cause):
    world["leak"] = {cause().key: cause()}
    world["noise"] = {cause().key: cause(quantity=9)}
    raise_(transact, [cause()], "leak")
    raise_(transact, [cause()], "noise")
    del world["leak"][cause().key]
    check(transact, cause)
    row = the_exception(transact)
    assert (row["status"], row["kind"], row["quantity"]) == ("open", "noise", 9)
    del world["noise"][cause().key]
    assert check(transact, cause).closed == 1
    assert the_exception(transact)["status"] == "resolved"


def check(transact, cause, **how):
    entity_id = cause().entity_id
    return transact(lambda session, now: services.recheck(session, entity_id, None, now=now, **how))


def test_quantity_follows_what_holds_now(transact, world, cause):
    world["leak"] = {cause().key: cause(quantity=3)}
    raise_(transact, [cause(quantity=8)])
    assert the_exception(transact)["quantity"] == 3
    world["leak"] = {cause().key: cause(quantity=2)}
    check(transact, cause)
    assert the_exception(transact)["quantity"] == 2


def test_what_comes_back_soon_reopens_and_later_is_another_episode(transact, world, cause):
    world["leak"] = {cause().key: cause()}
    raise_(transact, [cause(minute=1)])
    world["leak"].clear()
    check(transact, cause)
    world["leak"] = {cause().key: cause()}
    raise_(transact, [cause(minute=2)])
    row = the_exception(transact)
    assert (row["status"], row["episode"], row["reopened"], row["resolved_at"]) == ("open", 1, 1, None)
    world["leak"].clear()
    check(transact, cause)
    world["leak"] = {cause().key: cause()}
    raise_(transact, [cause(minute=3)], later=timedelta(hours=25))
    first, second = all_of(transact, Exception_, Exception_.episode)
    assert (first["status"], second["status"], second["episode"]) == ("resolved", "open", 2)
    assert (first["count"], second["count"]) == (2, 1)


def test_a_person_who_resolves_is_left_in_peace_until_fresh_evidence(transact, world, cause, someone):
    world["leak"] = {cause().key: cause()}
    raise_(transact, [cause(minute=1)])
    resolution = services.Resolution(the_exception(transact)["id"], "counted")
    transact(lambda session, now: services.resolve(session, [resolution], by=someone, now=now))
    raise_(transact, [cause(minute=1)])
    check(transact, cause)
    start(transact, cause)
    assert the_exception(transact)["status"] == "resolved"
    raise_(transact, [cause(minute=2)])
    assert the_exception(transact)["status"] == "open"
    assert verbs(transact) == ["raised", "assigned", "resolved", "reopened"]


def start(transact, cause):
    event = AddonEnabled(cause().entity_id, "exceptions")
    transact(lambda session, now: services.start(session, event, now=now))


def test_switched_on_later_it_starts_from_what_holds(transact, world, cause):
    world["leak"] = {f"k{n}": cause(f"k{n}", quantity=n) for n in range(1, 4)}
    world["noise"] = {"k1": cause("k1", quantity=7)}
    start(transact, cause)
    start(transact, cause)
    rows = all_of(transact, Exception_, Exception_.cause_key)
    assert [(row["cause_key"], row["status"], row["quantity"], row["count"]) for row in rows] == [
        ("k1", "open", 1, 2),
        ("k2", "open", 2, 1),
        ("k3", "open", 3, 1),
    ]
    raise_(transact, [cause("k2", minute=0)])
    assert all_of(transact, Exception_, Exception_.cause_key)[1]["count"] == 1


def test_what_closed_by_itself_and_holds_again_is_found_without_evidence(transact, world, cause):
    raise_(transact, [cause()])
    world["leak"] = {cause().key: cause()}
    start(transact, cause)
    assert the_exception(transact)["status"] == "open"


def test_a_kind_nobody_contributes_here_stands_until_a_person_resolves_it(transact, world, cause):
    raise_(transact, [cause(minute=1)], "unheard_of")
    raise_(transact, [cause(minute=1)], "unheard_of")
    check(transact, cause)
    assert (the_exception(transact)["status"], the_exception(transact)["count"]) == ("open", 1)


def test_the_manager_of_the_location_owns_it(transact, world, cause, person, entities):
    boss = person(RoleAt("store_manager", entities[0].id, 7), name="Grace")
    person(RoleAt("store_manager", entities[0].id, 8), name="Elsewhere")
    person(RoleAt("store_manager", entities[1].id, 7), name="Abroad")
    world["leak"] = {cause().key: cause()}
    raise_(transact, [cause()])
    assert the_exception(transact)["owner_user_id"] == boss.id
    assert verbs(transact) == ["raised", "assigned"]


def test_a_check_goes_on_where_the_last_batch_ended(transact, world, cause):
    keys = [f"k{n}" for n in range(5)]
    world["leak"] = {key: cause(key) for key in keys}
    raise_(transact, [cause(key) for key in keys])
    world["leak"].clear()
    first = check(transact, cause, limit=3)
    assert (first.looked_at, first.closed, first.next) == (3, 3, "k2")
    rest = check(transact, cause, limit=3, after=first.next)
    assert (rest.looked_at, rest.closed, rest.next) == (2, 2, None)


def test_the_other_entity_sees_nothing(app, transact, world, cause, entities):
    world["leak"] = {cause().key: cause()}
    raise_(transact, [cause()])
    counted = "SELECT count(*) FROM exceptions.exception"
    with app.app_context():
        mine, other = (
            run(lambda session, now: cursor(session).execute(counted).fetchone()[0], entities=[entity.id])
            for entity in entities
        )
    assert (mine, other) == (1, 0)


def test_what_is_raised_reaches_the_inbox_through_the_outbox(transact, world, cause, drain):
    world["leak"] = {cause().key: cause(), "k2": cause("k2")}
    event = ExceptionsRaised(cause().entity_id, "leak", (cause(minute=1), cause("k2")))
    transact(lambda session, now: publish(session, event))
    drained = drain()
    assert (drained.failed, drained.parked) == (0, 0)
    assert [row["status"] for row in all_of(transact, Exception_)] == ["open", "open"]


def test_the_jobs_close_what_is_gone_and_open_what_was_never_told(app, transact, world, cause):
    raise_(transact, [cause("gone")], "unheard_of")
    world["leak"] = {"still": cause("still"), "closing": cause("closing")}
    raise_(transact, [cause("still"), cause("closing")])
    world["leak"] = {"still": cause("still"), "untold": cause("untold")}
    for _ in range(2):
        with app.app_context():
            jobs.check_open([cause().entity_id])
            jobs.find_missing([cause().entity_id])
    statuses = {row["cause_key"]: row["status"] for row in all_of(transact, Exception_)}
    assert statuses == {"gone": "open", "still": "open", "closing": "resolved", "untold": "open"}
    measured = exposition().decode()
    assert 'onhand_exceptions_open{entity="' in measured
    assert 'kind="leak"} 2.0' in measured


@pytest.mark.disabled_in_b("exceptions")
def test_switching_it_on_for_an_entity_fills_its_inbox(transact, world, cause, entities, drain):
    b = entities[1]
    world["leak"] = {cause().key: cause(entity=b.id)}
    transact(lambda session, now: publish(session, ExceptionsRaised(b.id, "leak", (cause(entity=b.id),))))
    drain()
    assert all_of(transact, Exception_) == []
    wish = Change(b.id, "exceptions", "enabled")
    transact(lambda session, now: change(session, [wish], by=Actor.system("test"), now=now))
    drain()
    assert (the_exception(transact)["entity_id"], the_exception(transact)["status"]) == (b.id, "open")
