"""What waits too long, or for nobody, is followed up: reminded, passed on, and said so to those concerned."""

import re
from datetime import timedelta

import pytest
from onhand.access.services import RoleAt, set_active, withdraw_roles
from onhand.approvals.services.following import follow_up
from onhand.db import cursor
from onhand.jobs.setup import jobs
from onhand.notices.api import NewNotice, notify
from onhand.testing import TESTER
from onhand.testing.people import csrf_token, sign_in
from onhand.transaction import run
from onhand_bin import services


def follow(house, hours=0, at=None):
    """Follow up so many hours from now, and return what was looked at."""
    return house.transact(lambda session, now: follow_up(session, now=(at or now) + timedelta(hours=hours)))


def leave(house, *people):
    for who in people:
        house.transact(lambda session, now, who=who: set_active(session, who.id, False, by=TESTER, now=now))


def state(house, asked):
    sql = "SELECT waiting_role, reminded, steps FROM onhand.approval WHERE id = %s"
    return house.transact(lambda session, now: cursor(session).execute(sql, (asked.id,)).fetchone())


def notices(house, who):
    sql = "SELECT text FROM onhand.notice WHERE user_id = %s AND read_at IS NULL ORDER BY id"
    return [row[0] for row in house.transact(lambda session, now: cursor(session).execute(sql, (who.id,)).fetchall())]


def test_nothing_is_followed_up_before_its_time(house):
    house.ask(20)
    assert follow(house, 23) == 0
    assert notices(house, house.manager) == []


def test_who_has_to_decide_is_reminded_and_told_once_while_unread(house):
    asked = house.ask(20)
    assert follow(house, 25) == 1
    assert follow(house, 25) == 0  # twice is harmless
    assert follow(house, 50) == 1
    assert state(house, asked)[:2] == ("store_manager", 2)
    for who in (house.manager, house.manager2):
        assert notices(house, who) == [f"Waits for you: +20 in bin {house.bin}"]
    assert notices(house, house.governor) == []
    assert house.activity(asked) == ["asked", "reminded", "reminded"]


def test_after_the_reminders_it_is_passed_on_to_the_next_tier_and_says_so(house, superuser):
    asked = house.ask(40)
    for hours in (25, 50, 75):
        assert follow(house, hours) == 1
    role, reminded, steps = state(house, asked)
    assert (role, reminded, [step["role"] for step in steps]) == ("governance", 0, ["governance", "governance"])
    said = f"since store manager did not decide: +40 in bin {house.bin}"
    assert notices(house, house.governor) == [f"Passed on to you, {said}"]
    assert notices(house, house.clerk) == [f"Passed on to governance, {said}"]
    assert superuser("SELECT count(*)::int FROM onhand.audit WHERE action = 'approval.escalate'") == [(1,)]
    assert house.decide(asked, house.manager).why == "no_authority"
    assert house.decide(asked, house.governor).status == "pending"
    assert house.decide(asked, house.governor).why == "counted_already"
    assert house.decide(asked, house.governor2).status == "approved"


def test_when_the_approver_left_it_is_passed_on_at_once(house):
    asked = house.ask(40)
    leave(house, house.manager)
    assert follow(house) == 0  # there is another
    leave(house, house.manager2)
    assert follow(house) == 1
    assert state(house, asked)[0] == "governance"
    assert "nobody is left as store manager" in notices(house, house.governor)[0]
    assert house.activity(asked) == ["asked", "escalated"]


def test_a_requester_who_is_the_only_one_with_the_role_counts_as_nobody(house):
    leave(house, house.manager2)
    asked = house.ask(40, by=house.manager)
    assert follow(house) == 1
    assert state(house, asked)[0] == "governance"


def test_whom_it_was_passed_on_to_decides_on_the_new_numbers_too(house, transact):
    leave(house, house.manager2)
    asked = house.ask(40, by=house.manager)
    follow(house)
    transact(lambda session, now: services.put(session, house.bin, 90))
    assert house.decide(asked, house.governor).why == "outdated"
    assert state(house, asked)[0] == "governance"
    assert house.decide(asked, house.governor, version=2).waiting_role == "governance"
    assert house.decide(asked, house.governor2, version=2).status == "approved"


def test_one_who_agreed_already_does_not_count_for_the_next_tier(house):
    from onhand.access.services import grant_roles

    house.transact(lambda session, now: grant_roles(session, house.governor.id, [RoleAt("store_manager")], by=TESTER))
    leave(house, house.governor2)
    asked = house.ask(40)
    assert house.decide(asked, house.governor).waiting_role == "governance"
    follow(house, 30)
    assert state(house, asked)[:2] == ("governance", 1)  # nobody but the one who agreed, and nobody above
    assert notices(house, house.clerk) == [
        f"Stuck, since nobody is left as governance, nor anybody to pass it on to: +40 in bin {house.bin}"
    ]


def test_beyond_the_last_tier_the_role_of_last_resort_decides(house, person):
    admin = person("admin", name="Ada")
    asked = house.ask(20)
    leave(house, house.manager, house.manager2)
    assert follow(house) == 1
    assert state(house, asked)[0] == "admin"
    assert "Passed on to you" in notices(house, admin)[0]
    assert house.decide(asked, admin).status == "approved"


def test_with_nobody_at_all_it_stays_and_says_so_once(house):
    asked = house.ask(20)
    leave(house, house.manager, house.manager2)
    assert follow(house) == 1
    assert follow(house) == 0
    assert state(house, asked)[:2] == ("store_manager", 1)
    assert "Stuck" in notices(house, house.clerk)[0]


def test_a_role_without_the_permission_or_at_another_place_is_nobody(house, entities, person):
    person(RoleAt("admin", entities[1].id))
    asked = house.ask(20)
    for who in (house.manager, house.manager2):
        role = RoleAt("store_manager", house.entity.id)
        house.transact(lambda session, now, who=who, role=role: withdraw_roles(session, who.id, [role], by=TESTER))
    follow(house)
    assert state(house, asked)[0] == "store_manager"


def test_who_asked_is_told_what_was_decided(house):
    house.decide(house.ask(20, subject="1"), house.manager)
    house.decide(house.ask(20, subject="2"), house.manager, "return", reason="count again")
    returned = f"Returned by Mona (count again): +20 in bin {house.bin}"
    assert notices(house, house.clerk) == [f"Approved by Mona: +20 in bin {house.bin}", returned]


def test_the_job_follows_up_what_is_due(app, house):
    house.ask(20)
    leave(house, house.manager, house.manager2)
    with app.app_context():
        jobs().actors["onhand.follow_up_approvals"]([house.entity.id])
    assert "Stuck" in notices(house, house.clerk)[0]


def test_one_sees_ones_own_notices_until_they_are_marked(app, house, entities, login):
    def tell(who, entity, text):
        new = NewNotice(who.id, entity, "thing:1", text, "/approvals/")
        house.transact(lambda session, now: notify(session, [new], now=now))

    for text in ("first", "<b>second</b>"):
        tell(house.governor2, house.entity.id, text)
    tell(house.governor2, entities[1].id, "elsewhere")
    tell(house.manager, house.entity.id, "another's")
    client = app.test_client()
    sign_in(client, house.governor2, house.entity)
    text = client.get("/notices/").text
    assert "&lt;b&gt;second&lt;/b&gt;" in text
    for hidden in ("first", "elsewhere", "another"):
        assert hidden not in text.partition("<main")[2]
    assert re.search(r'oh-count">1<', text)
    newest = re.search(r'name="up_to" value="(\d+)"', text)[1]
    answer = client.post("/notices/read", data={"csrf_token": csrf_token(client, "/"), "up_to": newest})
    assert answer.status_code == 303
    text = client.get("/notices/").text
    assert "second" in text
    assert "Mark all" not in text
    assert notices(house, house.manager) == ["another's"]
    assert "Nothing to tell you" in login(app.test_client(), "clerk", house.entity).get("/notices/").text


@pytest.mark.parametrize("href", ["//evil", "https://evil", "/\\evil"])
def test_a_notice_leads_nowhere_but_here(house, href):
    with pytest.raises(Exception, match="notice_href_check"):
        house.transact(lambda session, now: notify(session, [NewNotice(house.clerk.id, None, "x", "x", href)], now=now))


def test_seen_notices_are_dropped_after_their_time(app, house):
    from onhand.notices.services import forget, mark_read

    new = [NewNotice(house.clerk.id, None, f"{n}", "x") for n in range(3)]
    house.transact(lambda session, now: notify(session, new, now=now))
    house.transact(lambda session, now: mark_read(session, house.clerk.id, up_to=2**62, now=now))
    forgotten = lambda session, now: forget(session, before=now + timedelta(days=1), limit=2)  # noqa: E731
    assert [house.transact(forgotten) for _ in range(2)] == [2, 1]
    with app.app_context():
        assert run(lambda session, now: forget(session, before=now, limit=5), entities=[]) == 0
