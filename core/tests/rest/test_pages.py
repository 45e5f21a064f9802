import pytest
from access_site import TESTER
from onhand import audit

ROWS = "/api/v1/rows"


@pytest.fixture
def token(site):
    return site.token(site.a, "gate.read")


@pytest.fixture
def seven(site):
    def add(session, now):
        for number in range(7):
            audit.record(session, TESTER, "row", f"r{number}")
            session.flush()

    site.run(add)


def subjects(page):
    return [item["subject"] for item in page["items"]]


def test_pages_follow_each_other_without_gap_or_overlap(site, token, seven):
    seen, cursor = [], None
    while True:
        query = {"action": "row"} | ({"cursor": cursor} if cursor else {})
        page = site.client().get(ROWS, query_string=query, headers=site.headers(token, {})).json
        seen.append(subjects(page))
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [["r0", "r1", "r2"], ["r3", "r4", "r5"], ["r6"]]


def test_rows_added_meanwhile_shift_nothing(site, token, seven):
    first = site.get(f"{ROWS}?action=row", token).json
    site.run(lambda s, now: audit.record(s, TESTER, "row", "late"))
    second = site.get(f"{ROWS}?action=row&cursor={first['next']}&limit=10", token).json
    assert subjects(second) == ["r3", "r4", "r5", "r6", "late"]
    assert second["next"] is None


def test_cursor_that_was_altered_is_400(site, token, seven):
    cursor = site.get(f"{ROWS}?action=row", token).json["next"]
    for altered in (cursor[:-2] + "xx", "x" + cursor, "nonsense", cursor.split(".")[0]):
        answer = site.get(f"{ROWS}?action=row&cursor={altered}", token)
        assert (answer.status_code, answer.json["type"]) == (400, "/problems/malformed")


def test_cursor_of_another_filter_is_400(site, token, seven):
    cursor = site.get(f"{ROWS}?action=row", token).json["next"]
    answer = site.get(f"{ROWS}?cursor={cursor}", token)
    assert answer.status_code == 400
    assert "another list or filter" in answer.json["detail"]


@pytest.mark.parametrize("limit", [0, -1, 201])
def test_limit_out_of_bounds_is_422(site, token, limit):
    answer = site.get(f"{ROWS}?limit={limit}", token)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "limit"
