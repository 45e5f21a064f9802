"""The executive view over the whole suite: numbers that add up, rows behind each, files that open safely, and doors."""

import csv
import html
import io
import re
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from onhand.access.services import RoleAt
from onhand.db import cursor
from onhand.kpis import as_csv, as_xlsx, figure, kpis_of, rows_behind
from onhand.policies.book import Where
from onhand.policies.services import set_policy
from onhand.testing import TESTER, Entity
from onhand.testing.browser import WIDTHS, Visit
from onhand.testing.people import sign_in
from onhand.testing.samples import Place, samples_of
from onhand.testing.site import Site
from onhand_channels.testing import deliver, event
from onhand_exceptions.jobs import check_open
from onhand_reservations.testing import confirm_hold, hold_units
from onhand_stock.testing import receive
from playwright.sync_api import expect

NAMES = ["channels.latency", "exceptions.ageing", "stock.shortages", "reservations.promises", "stock.adjustments"]
FORMULA = "=HYPERLINK(1)"


@pytest.fixture
def place(onhand_site: Site, entities: tuple[Entity, Entity], drain: Any) -> Place:
    """A place in A with samples of everything: a late sale, a shortage, a promise kept and one broken, a count."""
    made = Place(entities[0], "Sample")

    def act(session: Any, now: Any) -> None:
        samples_of(session, now, onhand_site.addons, made)
        location, item, channel = made.things["location"], made.things["item"], made.things["channel"]
        receive(session, now, made.entity.id, location.id, {item.id: 20})
        deliver(
            session,
            now,
            channel,
            event(channel, "sale", {item.sku: 1}, location=location.code, id=FORMULA, time=now - timedelta(hours=3)),
        )

    onhand_site.transact(act, entities=[made.entity])
    drain()
    return made


@pytest.fixture
def ask(onhand_site: Site, place: Place) -> Any:
    """`ask("stock.shortages")`: a figure's rows by key, over the last week; with a key the rows behind it."""

    def work(name: str, key: str | None = None, entity: Entity = place.entity, limit: int = 100) -> Any:
        def command(session: Any, now: Any) -> Any:
            [kpi] = [one for one in kpis_of(session, entity.id, now) if one.name == name]
            since = now - timedelta(days=7)
            if key is None:
                return {row["key"]: row for row in figure(session, kpi, entity.id, since, now).rows}
            return list(rows_behind(session, kpi, entity.id, since, now, key, limit=limit))

        return onhand_site.transact(command, entities=[entity])

    return work


def test_every_number_is_the_sum_of_the_rows_behind_it(ask: Any, place: Place) -> None:
    channel, location = place.things["channel"].code, place.things["location"].code
    latency = ask("channels.latency")
    assert {key: row["events"] for key, row in latency.items()} == {
        f"{channel}/*": 3,
        f"{channel}/onhand.sale.v1": 2,
        f"{channel}/onhand.stock_report.v1": 1,
    }
    assert (latency[f"{channel}/*"]["late"], latency[f"{channel}/*"]["verdict"]) == (1, "bad|beyond")
    behind = ask("channels.latency", f"{channel}/*")
    assert len(behind) == 3
    assert behind[0]["seconds"] == pytest.approx(10_800, abs=60)
    shortages = ask("stock.shortages")
    assert {key: row["units"] for key, row in shortages.items()} == {"*": 1, location: 1}
    assert [row["units"] for row in ask("stock.shortages", location)] == [1]
    ageing = ask("exceptions.ageing")
    assert ageing["*"]["open"] == sum(row["open"] for key, row in ageing.items() if key != "*") >= 1
    assert len(ask("exceptions.ageing", "*")) == ageing["*"]["open"]
    assert ageing["*"]["open"] == sum(ageing["*"][age] for age in ("hours", "day", "days", "older"))


@pytest.fixture
def value(onhand_site: Site, place: Place) -> Any:
    """`value("1999.5")`: say what a unit of anything is worth in the entity, and ask exceptions again."""

    def say(amount: str) -> None:
        def command(session: Any, now: Any) -> None:
            where = Where(entity_id=place.entity.id)
            set_policy(session, "stock.unit_value_minor", amount, where, by=TESTER, now=now)

        onhand_site.transact(command, entities=[place.entity])
        with onhand_site.app.app_context():
            check_open([place.entity.id])

    return say


def test_money_at_risk_is_not_known_until_the_ledgers_people_say_what_units_are_worth(ask: Any, value: Any) -> None:
    short = ask("exceptions.ageing")["shortage"]
    assert (short["amount"], short["unvalued"]) == (None, short["open"])
    value("1999.5")
    [row] = ask("exceptions.ageing", "shortage")
    assert row["amount_minor"] == 2_000 * row["quantity"]
    assert ask("exceptions.ageing")["shortage"]["unvalued"] == 0


def test_what_is_short_is_valued_as_its_exceptions_are(ask: Any, value: Any, place: Place, browser_of: Any) -> None:
    short, location = ask("stock.shortages"), place.things["location"].code
    assert [(row["value"], row["unvalued"]) for row in short.values()] == [(None, 1), (None, 1)]
    page = browser_of(RoleAt("governance", place.entity.id)).get("/executive/stock.shortages").text
    assert "not known" in page
    value("1999.5")
    short = ask("stock.shortages")
    assert {key: (row["value"], row["unvalued"]) for key, row in short.items()} == {
        "*": (2_000, 0),
        location: (2_000, 0),
    }
    assert [row["value"] for row in ask("stock.shortages", "*")] == [2_000]
    assert [row["amount_minor"] for row in ask("exceptions.ageing", "shortage")] == [2_000]


def test_promises_are_kept_open_or_broken(ask: Any, place: Place, onhand_site: Site) -> None:
    assert ask("reservations.promises") == {}, "what was never confirmed is no promise"

    def promise(session: Any, now: Any) -> Any:
        item, channel = place.things["item"], place.things["channel"]
        held = [hold_units(session, now, channel, {item.sku: units}) for units in (3, 4, 1)]
        return [confirm_hold(session, now, one).id for one in held]

    kept, broken, _ = onhand_site.transact(promise, entities=[place.entity])
    onhand_site.database.superuser("UPDATE reservations.hold_line SET fulfilled = quantity WHERE hold_id = %s", kept)
    onhand_site.database.superuser(
        "UPDATE reservations.hold SET status = 'fulfilled', settled_at = now() WHERE id = %s", kept
    )
    onhand_site.database.superuser("UPDATE reservations.hold_line SET released = quantity WHERE hold_id = %s", broken)
    onhand_site.database.superuser(
        "UPDATE reservations.hold SET status = 'released', settled_at = now() WHERE id = %s", broken
    )
    whole = ask("reservations.promises")["*"]
    assert {name: whole[name] for name in ("made", "kept", "broken", "open")} == {
        "made": 8,
        "kept": 3,
        "broken": 4,
        "open": 1,
    }
    assert whole["reliability"] == pytest.approx(3000 / 7)
    assert ask("reservations.promises", "*")[0]["broken"] == 4


def test_another_entity_sees_nothing_of_it(ask: Any, entities: tuple[Entity, Entity]) -> None:
    for name in NAMES:
        assert ask(name, entity=entities[1]) == {}
        assert ask(name, "*", entity=entities[1]) == []


def test_no_figure_reads_more_than_its_bound(ask: Any, place: Place, onhand_site: Site) -> None:
    """Each statement ends in a limit, and what it reads of the ledger lies in the partitions of its period."""

    def explain(session: Any, now: Any) -> None:
        for kpi in kpis_of(session, place.entity.id, now):
            for sql in (kpi.sql, kpi.rows_sql):
                assert re.search(r"LIMIT (200|%\(limit\)s)\s*$", sql), kpi.name
            since = now - timedelta(hours=1)
            more = kpi.prepare(session, place.entity.id, since, now) if kpi.prepare else {}
            given = {"entity_id": place.entity.id, "since": since, "until": now, **more}
            plan = "\n".join(row[0] for row in cursor(session).execute(f"EXPLAIN {kpi.sql}", given).fetchall())
            read = set(re.findall(r"on (movement_\w+)", plan))
            assert len(read) <= 3, plan

    onhand_site.transact(explain, entities=[place.entity])


@pytest.fixture
def browser_of(onhand_site: Site, place: Place) -> Any:
    def make(*roles: RoleAt) -> Any:
        client = onhand_site.app.test_client()
        sign_in(client, onhand_site.person(*roles), place.entity)
        return client

    return make


def test_the_page_leads_from_numbers_to_query_and_rows(browser_of: Any, place: Place) -> None:
    client = browser_of(RoleAt("governance", place.entity.id))
    page = client.get("/executive/").text
    for link in set(re.findall(r'href="(/executive/[^"]+)"', page)):
        answer = client.get(link.replace("&amp;", "&"))
        assert answer.status_code == 200, link
        if "/export" not in link:
            assert "SELECT" in answer.text
    assert all(f"/executive/{name}" in page for name in NAMES)
    assert client.get("/executive/stock.nothing").status_code == 404
    for odd in ("?days=-1", "?days=x", "?key=%00", f"?key={'x' * 999}"):
        assert client.get(f"/executive/stock.shortages{odd}").status_code == 200


def test_who_may_read_single_locations_sees_no_figure_of_the_whole(browser_of: Any, place: Place) -> None:
    client = browser_of(RoleAt("store_manager", place.entity.id, place.location_id))
    assert "No figures here" in client.get("/executive/").text
    assert client.get("/executive/stock.shortages").status_code == 404
    assert client.get("/executive/stock.shortages/export").status_code == 404


def test_files_hold_the_filter_and_no_formula_and_taking_them_is_kept(
    browser_of: Any, place: Place, superuser: Any
) -> None:
    client = browser_of(RoleAt("governance", place.entity.id))
    key = f"{place.things['channel'].code}/*"
    answer = client.get("/executive/channels.latency/export", query_string={"key": key, "format": "csv"})
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert rows[1][0] == f"'{FORMULA}"
    assert len(rows) == 4
    answer = client.get("/executive/channels.latency/export", query_string={"key": key, "format": "xlsx"})
    assert FORMULA in texts_of(answer.data)
    figures = list(csv.reader(io.StringIO(client.get("/executive/stock.shortages/export").text)))
    assert [row[1:4] for row in figures] == [
        ["Units short", "Value", "Units not valued"],
        ["1", "", "1"],
        ["1", "", "1"],
    ]
    kept = superuser("SELECT count(*) FROM onhand.audit WHERE action = 'executive.export'")
    assert kept == [(3,)]


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", "\r=1"])
def test_no_text_becomes_a_formula(ask: Any, onhand_site: Site, text: str) -> None:
    from onhand.contributions import KpiColumn

    columns = (KpiColumn("a", "A"),)
    assert list(csv.reader(io.StringIO(as_csv(columns, [{"a": text}]).decode(), newline="")))[1] == [f"'{text}"]
    assert text.strip() in {found.strip() for found in texts_of(as_xlsx(columns, [{"a": text}], "T"))}


def texts_of(workbook: bytes) -> list[str]:
    """Return the texts of a workbook, in which no cell is a formula."""
    with zipfile.ZipFile(io.BytesIO(workbook)) as parts:
        assert b"<f>" not in parts.read("xl/worksheets/sheet1.xml")
        found = re.findall(r"<t[^>]*>([^<]*)</t>", parts.read("xl/sharedStrings.xml").decode())
    return [html.unescape(text).replace("_x000D_", "\r") for text in found]


# In a real browser.


@pytest.mark.browser
@pytest.mark.parametrize("width", WIDTHS)
def test_from_a_number_to_its_rows(visit: Callable[..., Visit], place: Place, person: Any, width: int) -> None:
    here = visit(person("governance"), "/executive/", width=width)
    page = here.page
    expect(page.get_by_role("heading", name="Executive view", level=1)).to_be_visible()
    here.judge("executive-view")
    page.locator('a[href="/executive/stock.shortages?days=7"]').click()
    expect(page.get_by_role("heading", name="Shortages", level=1)).to_be_visible()
    here.judge("executive-rows")
