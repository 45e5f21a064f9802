"""Digests: what is open, told once a day at an hour of the reader's, as files that a mail server fetches."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default

import pytest
from onhand.access.services import RoleAt
from onhand.config import Settings
from onhand.db import cursor
from onhand_exceptions import jobs, services
from onhand_exceptions.digesting import parts_of
from onhand_exceptions.services import DigestRefused, NewDigest

MONDAY_7 = datetime(2026, 1, 5, 7, 0, tzinfo=UTC)
TEAM = NewDigest("Leaks", "kind:leak", "team", "leaks@example.org", "weekdays", 7)


class Post:
    """An entity's digests; `at` is when things happen."""

    def __init__(self, transact, entity, lead, superuser):
        self.transact, self.entity, self.lead, self.superuser = transact, entity, lead, superuser
        superuser(f"UPDATE onhand.entity SET time_zone = 'UTC' WHERE id = {entity.id} RETURNING 1")

    def make(self, wish=TEAM):
        def command(session, now):
            return services.make_digest(
                session, self.entity.id, wish, by=self.lead.actor, user_id=self.lead.id, now=now
            )

        return self.transact(command)

    def write(self, at):
        url = "https://onhand.example.org/"
        return self.transact(lambda s, _: services.write_due(s, self.entity.id, site_url=url, now=at))

    def mails(self):
        rows = self.superuser("SELECT address, message FROM exceptions.mail ORDER BY id")
        return [(address, message_from_bytes(text.encode(), policy=default)) for address, text in rows]


@pytest.fixture
def post(transact, entities, person, superuser):
    return Post(transact, entities[0], person("governance", name="Lea"), superuser)


@pytest.fixture
def leaks(transact, world, cause):
    causes = [cause(f"k{n}", minute=n, quantity=n + 1, amount_minor=250) for n in range(3)]
    world["leak"] = {one.key: one for one in causes}
    transact(lambda s, now: services.record(s, causes, "leak", now=now))
    return causes


def test_a_team_is_told_once_a_day_from_its_hour_on(post, leaks):
    post.make()
    assert post.write(MONDAY_7.replace(hour=6)) == 0
    assert [post.write(MONDAY_7.replace(minute=minute)) for minute in (5, 10)] == [1, 0]
    assert post.write(MONDAY_7.replace(day=6)) == 1
    assert post.write(MONDAY_7.replace(day=10)) == 0, "a Saturday"
    [(address, mail), _] = post.mails()
    assert (address, mail["To"]) == ("leaks@example.org", "leaks@example.org")
    assert mail["Subject"] == f"Leaks ({post.entity.code}): 3 open, 0 overdue"
    text = mail.get_content()
    assert "7.50" in text
    assert "* 1 missing" in text
    assert "with Lea" in text
    assert "https://onhand.example.org/exceptions/" in text


def test_a_team_hears_that_nothing_is_open_and_words_are_kept_in_every_alphabet(post, transact, world, cause):
    post.make(NewDigest("Überblick 木曜", "", "team", "team@example.org", "daily", 0))
    post.write(MONDAY_7)
    [(_, mail)] = post.mails()
    assert mail["Subject"].startswith("Überblick 木曜")
    assert "Nothing is open." in mail.get_content()


def test_each_owner_is_told_of_what_is_theirs(post, leaks, person, transact):
    sql = "UPDATE exceptions.exception SET owner_user_id = %s WHERE cause_key = %s"
    people = {}
    for key, username in (("k0", "ada@example.org"), ("k1", "bob@example.org"), ("k2", None)):
        who = person(RoleAt("clerk", post.entity.id), name=key)
        people[key] = who
        if username:
            post.superuser(f"UPDATE onhand.\"user\" SET username = '{username}' WHERE id = {who.id} RETURNING 1")
        transact(lambda s, _, w=who, k=key: cursor(s).execute(sql, (w.id, k)) and None)
    post.make(NewDigest("Yours", "", "owner", "", "daily", 0))
    assert post.write(MONDAY_7) == 2, "whose user name is no address is told nothing"
    told = {address: mail.get_content() for address, mail in post.mails()}
    assert "1 missing" in told["ada@example.org"]
    assert "2 missing" in told["bob@example.org"]
    assert "1 open" in told["bob@example.org"]


def test_many_owners_take_as_many_statements_as_one(post, leaks, person, transact, statements):
    def told_at():
        with statements() as seen:
            told = transact(lambda s, now: parts_of(s, post.entity.id, "kind:leak", "owner", post.lead.id, now))
        return len(seen), {part.name: (part.counts["open"], len(part.rows)) for part in told}

    ada, bea = (person(RoleAt("governance", post.entity.id), name=name) for name in ("Ada", "Bea"))
    ids = [row[0] for row in post.superuser("SELECT id FROM exceptions.exception ORDER BY id")]

    def give(*owners):
        wishes = [services.Assignment(id_, owner.id) for id_, owner in zip(ids, owners, strict=True)]
        transact(lambda s, now: services.assign(s, wishes, by=post.lead.actor, now=now))

    give(ada, ada, ada)
    taken, told = told_at()
    assert told == {"Ada": (3, 3)}
    give(ada, ada, bea)
    assert told_at() == (taken, {"Ada": (2, 2), "Bea": (1, 1)})


def test_the_job_writes_each_mail_to_a_file_and_twice_is_harmless(app, post, leaks, tmp_path):
    settings = app.extensions["onhand_settings"]
    app.extensions["onhand_settings"] = Settings(mail_folder=str(tmp_path / "mail"))
    try:
        post.make(NewDigest("Leaks", "", "team", "leaks@example.org", "daily", 0))
        with app.app_context():
            for _ in range(2):
                jobs.digest([post.entity.id])
            [file] = (tmp_path / "mail").iterdir()
            post.superuser("UPDATE exceptions.mail SET written_at = NULL RETURNING 1")
            jobs.digest([post.entity.id])
    finally:
        app.extensions["onhand_settings"] = settings
    assert list((tmp_path / "mail").iterdir()) == [file]
    assert message_from_bytes(file.read_bytes(), policy=default)["To"] == "leaks@example.org"
    assert post.superuser("SELECT count(*) FROM exceptions.mail WHERE written_at IS NULL") == [(0,)]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "  "}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"query": "kind:leek"}, "query"),
        ({"address": ""}, "address"),
        ({"address": "leaks"}, "address"),
        ({"address": "a@example.org\r\nBcc: b@example.org"}, "address"),
        ({"address": "a b@example.org"}, "address"),
        ({"days": "never"}, "days"),
        ({"hour": 24}, "days"),
    ],
)
def test_what_cannot_be_is_refused_by_name(post, change, field):
    from dataclasses import replace

    with pytest.raises(DigestRefused) as raised:
        post.make(replace(TEAM, **change))
    assert raised.value.field == field


def test_there_is_one_of_a_name_until_it_ends(post):
    first = post.make()
    with pytest.raises(DigestRefused, match="of this name"):
        post.make()
    end = lambda s, now: services.end_digest(s, post.entity.id, first, by=post.lead.actor, now=now)  # noqa: E731
    assert post.transact(end)
    assert not post.transact(end)
    post.make()


def test_a_filter_that_can_no_longer_be_read_is_said(post, leaks, superuser):
    post.make()
    superuser("UPDATE exceptions.digest SET query = 'kind:gone' RETURNING 1")
    post.write(MONDAY_7)
    [(_, mail)] = post.mails()
    assert "cannot be read any more" in mail.get_content()


def test_the_page_begins_shows_and_ends_a_digest(post, leaks, browser_of):
    desktop = browser_of(post.lead)
    form = {"name": "Leaks", "query": "kind:leak", "per": "team", "address": "leaks@example.org", "days": "daily"}
    answer = desktop.post("/exceptions/digests", at="/exceptions/digests", **form | {"hour": "99"})
    assert answer.status_code == 422
    assert "choose days, an hour" in answer.text
    answer = desktop.post("/exceptions/digests", at="/exceptions/digests", **form | {"hour": "7"})
    page = desktop.get(answer.location).text
    assert "What Leaks would say now" in page
    assert "3 open, 0 past their service level" in page
    [(made,)] = post.superuser("SELECT id FROM exceptions.digest")
    desktop.post(f"/exceptions/digests/{made}/end", at="/exceptions/digests")
    assert "Nobody is told yet" in desktop.get("/exceptions/digests").text
    assert desktop.post(f"/exceptions/digests/{made}/end", at="/exceptions/digests").status_code == 404
