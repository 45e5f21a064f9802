"""Acts upon several exceptions: an outcome for each, and undone for a while by whoever acted."""

from datetime import timedelta

import pytest
from onhand.access.services import RoleAt
from onhand.db import cursor
from onhand.policies.book import Where
from onhand.policies.services import set_policy
from onhand_exceptions import services
from onhand_exceptions.services import Done, Refused, Wish

FIELDS = "owner_user_id, status, state, for_review, reason, resolution, resolved_at, escalates_at, snooze, snooze_until"


class Desk:
    """Four open leaks of one entity, by key, and someone at work on them; `later` puts the clock forward."""

    def __init__(self, transact, entity_id, by, rows):
        self.transact, self.entity_id, self.by, self.ids, self.later = transact, entity_id, by, rows, timedelta()

    def run(self, verb):
        return self.transact(lambda session, now: verb(session, now + self.later))

    def act(self, keys, verb, **wish):
        ids = [self.ids[key] for key in keys]
        return self.run(lambda s, now: services.act(s, self.entity_id, ids, Wish(verb, **wish), by=self.by, now=now))

    def undo(self, acted, by=None):
        return self.run(lambda s, now: services.undo(s, acted.id, by=by or self.by, now=now))

    def row(self, key):
        sql = f"SELECT {FIELDS} FROM exceptions.exception WHERE id = %s"
        return self.run(lambda s, _: cursor(s).execute(sql, (self.ids[key],)).fetchone())

    def told(self, key):
        sql = "SELECT verb, undoes IS NOT NULL FROM exceptions.activity WHERE exception_id = %s ORDER BY id"
        return self.run(lambda s, _: cursor(s).execute(sql, (self.ids[key],)).fetchall())[1:]


@pytest.fixture
def desk(transact, world, cause, someone, entities):
    where = Where(entity_id=entities[0].id)
    transact(lambda s, now: set_policy(s, "exceptions.owner_role", "", where, by=someone, now=now) and None)
    causes = {key: cause(key, minute=n, quantity=n + 1) for n, key in enumerate("abcd")}
    world["leak"] = causes
    transact(lambda session, now: services.record(session, list(causes.values()), "leak", now=now))
    sql = "SELECT cause_key, id FROM exceptions.exception"
    rows = dict(transact(lambda session, _: cursor(session).execute(sql).fetchall()))
    return Desk(transact, entities[0].id, someone, rows)


def test_each_has_an_outcome_of_its_own_in_the_order_asked(desk):
    desk.act("b", "resolve", text="gone")
    acted = desk.act("cba", "resolve", text="counted")
    assert [type(outcome) for outcome in acted.outcomes] == [Done, Refused, Done]
    assert [outcome.exception_id for outcome in acted.outcomes] == [desk.ids[key] for key in "cba"]
    assert acted.outcomes[1].why == "already_resolved"


@pytest.mark.parametrize(
    ("verb", "wish"),
    [
        ("assign", {"owner_id": "me"}),
        ("snooze", {"until": "worse"}),
        ("snooze", {"until": "count", "times": 3}),
        ("resolve", {"text": "counted"}),
        ("comment", {"text": "looking"}),
    ],
)
def test_what_is_undone_is_as_it_was_and_the_trail_keeps_both(desk, verb, wish):
    wish = {name: desk.by.id if value == "me" else value for name, value in wish.items()}
    before = desk.row("a"), desk.row("b")
    acted = desk.act("ab", verb, **wish)
    assert (desk.row("a"), desk.row("b")) != before
    undone = desk.undo(acted)
    assert (undone.why, [type(outcome) for outcome in undone.outcomes]) == (None, [Done, Done])
    assert (desk.row("a"), desk.row("b")) == before
    assert [undoes for _, undoes in desk.told("a")] == [False, True]
    assert desk.told("a")[-1][0] == "undone"
    sql = "SELECT action FROM onhand.audit WHERE subject = %s ORDER BY id"
    trail = desk.run(lambda s, _: cursor(s).execute(sql, (f"exception:{desk.ids['a']}",)).fetchall())
    assert trail[-1] == ("exceptions.undo",)


def test_a_snooze_until_a_date_is_undone_and_so_is_a_waking(desk):
    at = desk.run(lambda _, now: now + timedelta(days=1))
    before = desk.row("a")
    snoozed = desk.act("a", "snooze", until="date", at=at)
    resting = desk.row("a")
    woken = desk.act("a", "wake")
    assert desk.row("a")[8] is None
    desk.undo(woken)
    assert desk.row("a") == resting
    desk.undo(snoozed)
    assert desk.row("a") == before


def test_what_changed_since_stays_and_the_others_go_back(desk):
    acted = desk.act("ab", "assign", owner_id=desk.by.id)
    desk.act("b", "resolve", text="counted")
    undone = desk.undo(acted)
    assert [type(outcome) for outcome in undone.outcomes] == [Done, Refused]
    assert undone.outcomes[1].why == "changed_since"
    assert (desk.row("a")[0], desk.row("b")[1]) == (None, "resolved")


def test_an_act_is_undone_once(desk):
    acted = desk.act("a", "assign", owner_id=desk.by.id)
    desk.undo(acted)
    assert desk.undo(acted).why == "undone"


def test_there_is_a_time_to_undo(desk):
    acted = desk.act("a", "assign", owner_id=desk.by.id)
    desk.later = timedelta(minutes=11)
    assert desk.undo(acted).why == "too_late"
    assert desk.row("a")[0] == desk.by.id


def test_nobody_undoes_what_another_did(desk, person):
    acted = desk.act("a", "assign", owner_id=desk.by.id)
    assert desk.undo(acted, by=person("governance", name="Bob").actor).why == "unknown"


def test_what_came_back_as_another_episode_is_not_opened_beside_it(desk, cause):
    acted = desk.act("a", "resolve", text="counted")
    again = cause("a", minute=9)
    desk.run(lambda s, now: services.record(s, [again], "leak", now=now + timedelta(days=2)))
    undone = desk.run(lambda s, now: services.undo(s, acted.id, by=desk.by, now=now))
    assert [outcome.why for outcome in undone.outcomes] == ["came_back"]


def test_what_is_elsewhere_is_unknown(desk, entities):
    other = Desk(desk.transact, entities[1].id, desk.by, desk.ids)
    assert [outcome.why for outcome in other.act("ab", "resolve", text="x").outcomes] == ["unknown", "unknown"]
    assert desk.row("a")[1] == "open"


def test_fifty_cost_no_more_statements_than_two(desk, cause, world, statements):
    causes = {f"k{n}": cause(f"k{n}") for n in range(60)}
    world["leak"] |= causes
    desk.run(lambda s, now: services.record(s, list(causes.values()), "leak", now=now))
    sql = "SELECT cause_key, id FROM exceptions.exception"
    desk.ids = dict(desk.run(lambda s, _: cursor(s).execute(sql).fetchall()))
    cost = []
    for keys in (["k0", "k1"], [f"k{n}" for n in range(2, 52)]):
        with statements() as seen:
            desk.act(keys, "comment", text="looking")
        cost.append(len(seen))
    assert cost[0] == cost[1]


# ---- at the door


@pytest.fixture
def window(desk, browser_of, person):
    who = person(RoleAt("governance"), name="Grace")
    window = browser_of(who)
    window.desk = desk
    return window


def test_many_are_resolved_at_once_from_the_list_and_undone_there(window):
    desk = window.desk
    chosen = [str(desk.ids[key]) for key in "abc"]
    form = {"verb": "resolve", "id": chosen, "text_resolve": "one delivery, three lines", "tab": "review"}
    answer = window.post("/exceptions/acts", at="/exceptions/", **form)
    page = window.get(answer.location).text
    assert "3 resolved" in page
    assert page.count("Outcome of each") == 1
    assert "tab=review" in answer.location
    undo = answer.location.partition("act=")[2]
    answer = window.post(f"/exceptions/acts/{undo}/undo", at=answer.location, tab="review")
    assert "3 undone" in window.get(answer.location).text
    assert {desk.row(key)[1] for key in "abc"} == {"open"}


def test_a_snooze_until_a_day_is_meant_where_the_entity_is(window):
    desk = window.desk
    form = {"verb": "snooze", "id": str(desk.ids["a"]), "until": "date", "date": "2020-01-01T08:00"}
    answer = window.post("/exceptions/acts", at="/exceptions/", **form)
    assert "the date must lie ahead" in window.get(answer.location).text
    window.post("/exceptions/acts", at="/exceptions/", **form | {"until": "3d"})
    assert desk.row("a")[8] == "date"


@pytest.mark.parametrize(
    "form", [{}, {"verb": "juggle", "id": "x"}, {"verb": "resolve"}, {"verb": "resolve", "id": "no-uuid"}]
)
def test_a_form_that_asks_nothing_does_nothing(window, form):
    answer = window.post("/exceptions/acts", at="/exceptions/", **form)
    assert answer.status_code == 303
    page = window.get(answer.location).text
    assert "Nothing was chosen" in page or "Say what to do" in page


def test_a_view_is_kept_found_and_forgotten(window, browser_of, person):
    keep = {"name": "Old leaks", "tab": "open", "q": "kind:leak age:>1h"}
    window.post("/exceptions/views", at="/exceptions/", **keep)
    page = window.get("/exceptions/").text
    assert "Old leaks" in page
    assert "/exceptions/?tab=open&amp;q=kind%3Aleak+age%3A%3E1h" in page
    colleague = browser_of(person(RoleAt("governance"), name="Bob"))
    assert "Old leaks" not in colleague.get("/exceptions/").text
    window.post("/exceptions/views", at="/exceptions/", **keep | {"shared": "1"})
    page = colleague.get("/exceptions/").text
    assert "Old leaks" in page
    assert "Forget Old leaks" not in page
    [(view_id,)] = window.desk.run(lambda s, _: cursor(s).execute("SELECT id FROM exceptions.view").fetchall())
    colleague.post(f"/exceptions/views/{view_id}/forget", at="/exceptions/")
    assert "Old leaks" in window.get("/exceptions/").text
    window.post(f"/exceptions/views/{view_id}/forget", at="/exceptions/")
    assert "Old leaks" not in window.get("/exceptions/").text


def test_a_view_needs_a_name(window):
    answer = window.post("/exceptions/views", at="/exceptions/", name="  ", tab="open")
    assert "give it a name" in window.get(answer.location).text


def test_a_filter_that_cannot_be_read_says_which_token_and_shows_nothing(window):
    page = window.get("/exceptions/", q="kind:leek").text
    assert "<code>kind:leek</code> there is no kind &#39;leek&#39;; did you mean leak?" in page
    assert "This filter cannot be read" in page
    assert str(window.desk.ids["a"]) not in page


def test_chips_write_the_filter_and_tokens_can_be_taken_out(window):
    page = window.get("/exceptions/", tab="open", q="kind:leak late").text
    assert "?tab=open&amp;q=kind%3Aleak+late+state%3Anew" in page
    assert 'href="/exceptions/?tab=open&amp;q=late"' in page
