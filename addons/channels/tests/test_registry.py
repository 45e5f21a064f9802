"""The registry: channels as verbs and as a file, all of a list or none of it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from onhand.problems import ImportRefused
from onhand_channels.api import (
    Advance,
    ChannelChange,
    ChannelDraft,
    ChannelRefused,
    advance,
    change_channels,
    channels_by_code,
    channels_of,
    create_channels,
    save_channels,
)
from onhand_channels.importers import import_channels
from onhand_channels.testing import TESTER
from onhand_master_data.testing import make_location


@pytest.fixture
def stores(transact, entities):
    a, b = entities
    return transact(
        lambda session, now: {
            code: make_location(session, now, entity.id, code=code)
            for code, entity in (("S1", a), ("S2", a), ("B1", b))
        }
    )


def draft(code="web-1", **more):
    return ChannelDraft(
        **{"code": code, "name": "Web", "kind": "ecommerce", "entity": "A", "locations": ("S2", "S1")} | more
    )


@pytest.fixture
def write(transact):
    def run(verb, *things, **more):
        return transact(lambda session, now: verb(session, things, by=TESTER, now=now), **more)

    return run


def test_locations_keep_the_order_they_are_asked_in(write, transact, stores, entities):
    [made] = write(create_channels, draft())
    assert made.location_ids == (stores["S2"].id, stores["S1"].id)
    [changed] = write(change_channels, ChannelChange("web-1", locations=("S1", "S2")))
    assert changed.location_ids == (stores["S1"].id, stores["S2"].id)
    assert (changed.id, changed.name, changed.state) == (made.id, "Web", "live")
    assert transact(lambda session, now: channels_of(session, [entities[0].id])) == [changed]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"code": ""}, "code"), ({"code": "a b"}, "code"), ({"code": "-a"}, "code"), ({"code": "x" * 65}, "code"),
        ({"code": "a/b"}, "code"), ({"code": "a:b"}, "code"), ({"code": "a\x00"}, "code"), ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"), ({"name": "a\x00b"}, "name"), ({"kind": "shop"}, "kind"),
        ({"entity": "C"}, "entity"), ({"locations": ("S1", "S9")}, "locations"), ({"locations": ("B1",)}, "locations"),
        ({"locations": ("S1", "S2", "S1")}, "locations"), ({"locations": ("\x00",)}, "locations"),
    ],
)  # fmt: skip
def test_a_draft_that_cannot_be_is_named_and_nothing_kept(write, transact, stores, entities, wrong, field):
    for verb in (create_channels, save_channels):
        with pytest.raises(ChannelRefused) as refused:
            write(verb, draft("good"), draft(**wrong))
        assert [(error.index, error.field) for error in refused.value.errors] == [(1, field)]
    assert transact(lambda session, now: channels_of(session, [one.id for one in entities])) == []


def test_a_code_is_taken_once_whoever_has_it(write, stores, entities):
    a, b = entities
    write(create_channels, draft())
    for verb, entity, more in (
        (create_channels, a, {}),
        (create_channels, b, {"entity": "B", "locations": ()}),
        (save_channels, b, {"entity": "B", "locations": ()}),
    ):
        with pytest.raises(ChannelRefused, match="taken") as refused:
            write(verb, draft(**more), entities=[entity])
        assert all(error.conflict for error in refused.value.errors)
    with pytest.raises(ChannelRefused, match="twice"):
        write(create_channels, draft("x"), draft("x"))
    with pytest.raises(ChannelRefused, match="entity never changes"):
        write(save_channels, draft(entity="B", locations=()))
    with pytest.raises(ChannelRefused, match="no such channel"):
        write(change_channels, ChannelChange("web-1", name="Mine"), entities=[b])


def test_changes_are_in_the_audit_trail_and_idle_ones_are_not(write, stores, superuser):
    for _ in range(2):
        write(save_channels, draft())
    write(change_channels, ChannelChange("web-1", name="Shop"))
    rows = superuser("SELECT before, after FROM onhand.audit WHERE subject = 'channel:web-1' ORDER BY id")
    assert [(before and before["name"], after["name"]) for before, after in rows] == [(None, "Web"), ("Web", "Shop")]
    assert rows[1][1]["locations"] == ["S2", "S1"]


def test_two_who_change_different_things_lose_neither(write, transact, stores):
    write(create_channels, draft())
    with ThreadPoolExecutor(2) as pool:
        for _ in range(5):
            changes = [ChannelChange("web-1", name="Two"), ChannelChange("web-1", kind="marketplace")]
            list(pool.map(lambda change: write(change_channels, change), changes))
            [found] = transact(lambda session, now: channels_by_code(session, ["web-1"]))
            assert (found.name, found.kind) == ("Two", "marketplace")
            write(change_channels, ChannelChange("web-1", name="One", kind="pos"))


def test_another_entitys_location_is_refused_by_the_database_too(write, superuser, stores, entities):
    import psycopg

    [made] = write(create_channels, draft())
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        superuser(
            "INSERT INTO channels.channel_location (channel_id, location_id, entity_id, position) VALUES (%s, %s, %s, 9)",
            made.id, stores["B1"].id, entities[0].id,
        )  # fmt: skip


HEADER = "code,name,kind,entity,locations\n"


def bring(write, text, **more):
    return write(lambda session, things, *, by, now: import_channels(session, text.encode(), by, now), **more)


def test_a_file_creates_and_changes_and_twice_changes_nothing(write, transact, stores):
    text = HEADER + "web-1,Web,ecommerce,A,S2|S1\ntill-1,Till,pos,A,S1\n"
    assert (bring(write, text).created, bring(write, text).updated) == (2, 0)
    write(advance, Advance("till-1", "suspended", "till is away"))
    report = bring(write, text.replace("Till", "The till").replace("S2|S1", "S1"))
    assert (report.rows, report.created, report.updated) == (2, 0, 2)
    till, web = transact(lambda session, now: channels_by_code(session, ["till-1", "web-1"]))
    assert (till.name, till.state, web.location_ids) == ("The till", "suspended", (stores["S1"].id,))


def test_a_bad_file_names_row_and_column_and_nothing_is_kept(write, transact, stores, entities):
    text = HEADER + "web-1,Web,ecommerce,A,S1\nweb 2,Web,shop,A,S1|S9\n\nweb-3,,pos,Z,\n"
    with pytest.raises(ImportRefused) as refused:
        bring(write, text)
    assert [(error.row, error.column, error.value) for error in refused.value.report.errors] == [
        (3, "code", "web 2"), (3, "kind", "shop"), (3, "locations", "S9"), (5, "name", ""), (5, "entity", "Z"),
    ]  # fmt: skip
    assert transact(lambda session, now: channels_of(session, [one.id for one in entities])) == []


@pytest.mark.parametrize("text", ["", "code,name\na,b\n", HEADER + "a,b\n", HEADER.replace("kind", "kinds")])
def test_a_file_of_another_shape_is_refused(write, stores, text):
    with pytest.raises(ImportRefused):
        bring(write, text)


def test_the_importer_is_offered_to_the_command_line(app):
    assert "channels" in [one.name for one in app.extensions["onhand"].gather("importers")]
