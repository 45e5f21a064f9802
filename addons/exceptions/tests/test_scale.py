"""With many exceptions a list costs what its page costs: indexes lead to it, and counts stop at their bound."""

import json
from datetime import timedelta
from functools import partial

import pytest
from onhand.db import cursor
from onhand_exceptions import filtering, queries
from onhand_exceptions.filtering import Filter, Vocabulary
from sqlalchemy import func, literal, select

ROWS, AT_ONCE = 12_000, 1_500
PAGE = 51
FILL = """
INSERT INTO exceptions.exception (id, entity_id, cause_key, episode, status, kind, severity, title, item_id, location_id,
  sku, location, quantity, count, first_seen_at, last_seen_at, owner_user_id, opened_at, resolved_at, resolution,
  resolved_by, reason, state, for_review, kinds, due_at, escalates_at, amount_minor, snooze, snooze_mark, snooze_severity)
SELECT gen_random_uuid(), %(entity)s, 'k' || n, 1, CASE WHEN done THEN 'resolved' ELSE 'open' END, kind, 1 + n %% 3,
  'SKU-' || n || ' at S' || place || ': ' || n %% 9 || ' left', n, place, 'SKU-' || n, 'S' || place, n %% 9, 1 + n %% 5,
  seen, seen, CASE WHEN n %% 50 = 0 THEN %(owner)s::int END, seen, CASE WHEN done THEN now() END,
  CASE WHEN done THEN 'gone' END, CASE WHEN done THEN 'system:exceptions' END, CASE WHEN done THEN 'The cause is gone' END,
  CASE WHEN done THEN 'resolved' WHEN n %% 10 = 1 THEN 'escalating' WHEN n %% 10 < 5 THEN 'new' ELSE 'ongoing' END,
  NOT done AND NOT rests AND n %% 10 < 5, ARRAY[kind], seen + interval '24 h',
  CASE WHEN NOT done AND n %% 10 <> 1 THEN seen + interval '24 h' END, CASE WHEN n %% 4 = 0 THEN (n %% 1000) * 100 END,
  CASE WHEN rests THEN 'worse' END, CASE WHEN rests THEN 1 END, CASE WHEN rests THEN 1 END
FROM (SELECT n, n %% 200 AS place, CASE WHEN n %% 100 IN (3, 7) THEN 'noise' WHEN n %% 100 = 5 THEN 'drip' ELSE 'leak' END AS kind, n %% 5 = 0 AS done,
  n %% 40 = 3 AS rests, now() - n * interval '1 minute' AS seen FROM generate_series(%(first)s::int, %(last)s::int) AS n) AS made
"""


@pytest.fixture(scope="module")
def filled(onhand_sites, addons):
    """A site with so many exceptions in its first entity, known to the planner, and who owns some; here all only read."""
    site = onhand_sites.site(addons)
    site.reset()
    entities, owner = site.found(["A", "B"], disabled={}), site.person("governance")
    for first in range(1, ROWS, AT_ONCE):
        arguments = {"entity": entities[0].id, "owner": owner.id, "first": first, "last": first + AT_ONCE - 1}
        site.transact(lambda session, _, a=arguments: cursor(session).execute(FILL, a) and None)
    site.database.superuser("ANALYZE exceptions.exception, exceptions.word, exceptions.filed")
    return site, entities, owner


@pytest.fixture
def onhand_site(filled):
    return filled[0]


@pytest.fixture
def entities(filled):
    return filled[1]


@pytest.fixture
def many(filled):
    return filled[2]


def plan_of(session, query):
    bind = session.connection()
    compiled = query.compile(bind, compile_kwargs={"render_postcompile": True})
    found = bind.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {compiled}", compiled.params).scalar_one()
    return (found if isinstance(found, list) else json.loads(found))[0]["Plan"]


def read(plan):
    """Return how many rows a plan reads of exceptions and their words, over all its loops."""
    return sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in nodes(plan)
        if node.get("Relation Name") in ("exception", "filed", "word")
    )


def nodes(plan):
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def scans(plan):
    """Return (kind of node, rows it read) for each that reads exceptions."""
    return [
        (node["Node Type"], node["Actual Rows"] + node.get("Rows Removed by Filter", 0))
        for node in nodes(plan)
        if node.get("Relation Name") == "exception"
    ]


TABS = ("review", "mine", "escalating", "snoozed", "open")


def test_a_page_of_a_tab_reads_no_more_than_a_page(many, transact, entities):
    def pages(session, now):
        lists = {tab: queries.listed({entities[0].id: None}, Filter(tab=tab, me=many.id), now) for tab in TABS}
        lists["resolved"] = queries.listed({entities[0].id: None}, Filter(tab="resolved"), now)
        return {tab: scans(plan_of(session, query.limit(PAGE))) for tab, query in lists.items()}

    for tab, found in transact(pages).items():
        assert [("Index" in node, rows <= 3 * PAGE) for node, rows in found] == [(True, True)], (tab, found)


def test_the_count_of_a_tab_stops_at_its_bound(many, transact, entities):
    def count(session, now, tab):
        conditions = queries.conditions(Filter(tab=tab, me=many.id), now)
        rows = select(literal(1)).select_from(queries.Exception_)
        rows = rows.where(queries.visible({entities[0].id: None}), *conditions).limit(queries.COUNT_MAX)
        return plan_of(session, select(func.count()).select_from(rows.subquery()))

    for tab, found in transact(lambda s, now: {name: scans(count(s, now, name)) for name in TABS}).items():
        [(node, rows)] = found
        assert "Seq Scan" not in node, (tab, node)
        assert rows <= 2 * queries.COUNT_MAX, (tab, rows)


FILTERS = (
        "kind:noise", "kind:leak", "location:S7", "state:ongoing", "owner:me", "owner:none", "age:>2d", "age:<1h",
        "value:>900", "item:SKU-1234", "item:SKU-12*", "kind:noise location:S7 age:>24h",
)  # fmt: skip


def test_a_filtered_page_is_led_to_by_an_index(many, transact, entities):
    entity = entities[0].id

    def plan(session, now, text):
        known = Vocabulary(kinds=("leak", "noise"), me=many.id, words=partial(queries.words_of, session))
        wanted = filtering.parse(text, known, Filter(tab="open", me=many.id))
        return scans(plan_of(session, queries.listed({entity: None}, wanted, now, {entity: 2}).limit(PAGE)))

    found = transact(lambda s, now: {text: plan(s, now, text) for text in FILTERS})
    assert {text: nodes for text, nodes in found.items() if any("Seq Scan" in node for node, _ in nodes)} == {}


LED = {
    "review": ("kind:noise", "kind:leak,noise", "kind:leak location:S4", "kind:leak,noise location:S1,S2,S3,S4"),
    "open": (
        "kind:noise",
        "kind:drip,noise",
        "kind:leak,noise",
        "kind:leak location:S7",
        "kind:leak,noise owner:me",
        "location:S7",
        "location:S6,S7",
        "location:NOWHERE",
        "item:SKU-1234",
        "item:SKU-123*",
        "item:NONE*",
    ),
    "mine": ("kind:leak", "kind:leak,noise"),
    "resolved": (
        "kind:noise",
        "kind:drip",
        "kind:drip,noise",
        "kind:leak location:S5,S10",
        "location:S5",
        "location:S7",
        "location:NOWHERE",
        "item:SKU-123*",
        "item:NONE*",
    ),
}


@pytest.mark.parametrize("tab", LED)
def test_a_filter_reads_what_it_finds_not_the_tab(many, transact, entities, tab):
    def plan(session, now, text):
        known = Vocabulary(kinds=("drip", "leak", "noise"), me=many.id)
        wanted = filtering.parse(text, known, Filter(tab=tab, me=many.id))
        narrow = lambda part: part.limit(PAGE)  # noqa: E731
        listed = narrow(queries.listed({entities[0].id: None}, wanted, now, narrow=narrow))
        parts = max(1, len(wanted.kinds)) * max(1, len(wanted.locations))
        return read(plan_of(session, listed)) / (1 if parts == 1 else parts + 1)

    found = transact(lambda s, now: {text: plan(s, now, text) for text in LED[tab]})
    assert {text: rows for text, rows in found.items() if rows > 3 * PAGE} == {}


@pytest.mark.parametrize("tab", ["open", "resolved"])
def test_a_search_for_words_reads_what_it_finds_or_a_page_not_the_table(many, transact, entities, tab):
    def plan(session, now, text):
        wanted = filtering.parse(text, Vocabulary(words=partial(queries.words_of, session)), Filter(tab=tab))
        return read(plan_of(session, queries.listed({entities[0].id: None}, wanted, now).limit(PAGE)))

    found = transact(
        lambda s, now: {text: plan(s, now, text) for text in ("SKU-777", "nothing_like_it", "left", "SKU")}
    )
    assert {text: rows for text, rows in found.items() if rows > 5 * PAGE} == {}


def test_the_plan_of_a_full_scan_would_be_noticed(many, transact):
    query = select(queries.Exception_.id).where(queries.Exception_.reason == "never said")
    [(node, _)] = scans(transact(lambda s, _: plan_of(s, query)))
    assert "Seq Scan" in node


def test_people_of_one_location_are_led_to_it(many, transact, entities):
    reach = {entities[0].id: frozenset({7})}
    found = transact(lambda s, now: plan_of(s, queries.listed(reach, Filter(tab="review"), now).limit(PAGE)))
    assert all("Seq Scan" not in node for node, _ in scans(found))


def test_time_passes_by_index_too(many, transact, entities):
    from onhand_exceptions.services import escalating

    def plan(session, now):
        asked = (entities[0].id, now + timedelta(days=30), 100)
        statement = f"EXPLAIN (ANALYZE, FORMAT JSON) {escalating.DUE}"
        [(found,)] = cursor(session).execute(statement, asked).fetchall()
        return found[0]["Plan"]

    [(node, rows)] = scans(transact(plan))
    assert "Index" in node
    assert rows <= 100
