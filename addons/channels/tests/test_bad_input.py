"""Bad input at the door: a clear problem for what is wrong, nothing lost of what is right."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EVENTS, POST = "/api/v1/events", "channels.post_events"


def refused(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    assert answer.json["detail"]
    return answer.json


def altered(told, changes):
    """The event with other attributes; None leaves one out."""
    return {name: value for name, value in (told | changes).items() if value is not None}


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"{", b"[", b"[{}", b"{}{}", b"[{}],", b"nul", b"'a'", b'{"id":"\x01"}', b'{"id":"a\nb"}',
        b'{"id":"a\x00"}', b'{"id":"\\ud800 alone and long enough"}', b'{"id":"\xff"}', b"\xef\xbb\xbf{}",
        b'[{"id":"\\udc00 alone and long enough"}]', b'{"n":01}', b'{"n":NaN}', b"id=1&type=x", b"[" * 100_000,
        b"[" * 5_000 + b"]" * 5_000, b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    ],
)  # fmt: skip
def test_what_is_no_json_is_malformed(program, kept, body):
    refused(program.post(EVENTS, data=body), 400)
    assert not kept()


def test_one_body_of_ten_megabytes_is_too_large(program, kept):
    assert refused(program.post(EVENTS, data=b'[{"a":"' + b"x" * 10_000_000 + b'"}]'), 413)["status"] == 413
    assert not kept()


def test_more_than_a_thousand_events_are_too_many(program, shop, kept):
    batch = [shop.event("sale", {"TEA": 1}) for _ in range(1_001)]
    problem = refused(program.post(EVENTS, json=batch), 413)
    assert (problem["limit"], problem["sent"]) == (1_000, 1_001)
    assert not kept()
    assert {one["outcome"] for one in program.post(EVENTS, json=batch[:1_000]).json["results"]} == {"posted"}
    assert shop.states() == {"shortage": 900}


def test_an_empty_batch_has_no_results(program):
    assert program.post(EVENTS, data="[]").json == {"results": []}


@pytest.mark.parametrize("body", ["1", "null", '"x"', "{}", "[1]", "[null]", "[[]]", '[{"id":1}]'])
def test_json_that_is_no_event_is_refused(program, kept, body):
    answer = program.post(EVENTS, data=body)
    assert [one["outcome"] for one in answer.json["results"]] == ["refused"]
    assert not kept()


NO_CLOUDEVENT = {
    "id empty": {"id": ""},
    "id a number": {"id": 5},
    "id with NUL": {"id": "a\x00b"},
    "id with a control character": {"id": "a\x1fb"},
    "id beyond 255": {"id": "x" * 256},
    "id with DEL": {"id": "a\x7fb"},
    "subject with a control character of Latin-1": {"subject": "a\x85b"},
    "dataschema with a tab": {"dataschema": "a\tb"},
    "type with a line break": {"type": "a\nb"},
    "source missing": {"source": None},
    "specversion 0.3": {"specversion": "0.3"},
    "time without zone": {"time": "2026-11-24T10:00:00"},
    "time in words": {"time": "lunchtime"},
    "time a number": {"time": 1_700_000_000},
    "the 30th of February": {"time": "2026-02-30T10:00:00Z"},
    "subject a list": {"subject": []},
    "extension in capitals": {"traceParent": "x"},
    "extension a float": {"weight": 1.5},
    "extension an object": {"weight": {}},
    "extension with NUL": {"weight": "\x00"},
    "data twice": {"data_base64": "eHl6"},
    "data_base64 that is none": {"data": None, "data_base64": "?"},
}


@pytest.mark.parametrize("wrong", NO_CLOUDEVENT.values(), ids=NO_CLOUDEVENT.keys())
def test_what_is_no_cloudevent_is_refused_and_the_rest_unharmed(send, shop, kept, wrong):
    bad = altered(shop.event("sale", {"TEA": 1}), wrong)
    first, second, third = send(shop.event("sale", {"TEA": 1}), bad, shop.event("sale", {"TEA": 1}))
    assert (first["outcome"], second["outcome"], third["outcome"]) == ("posted", "refused", "posted")
    assert second["problem"]["type"] == "/problems/not-a-cloudevent"
    assert second["problem"]["detail"]
    assert second["id"] == (bad["id"] if isinstance(bad["id"], str) else None)
    assert kept() == {("posted", None): 2}
    assert shop.states() == {"available": 98}


def lines(*given):
    return {"data": {"location": "S1", "lines": list(given)}}


def quantity(value):
    return lines({"sku": "TEA", "quantity": value})


SOON = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
PARKED = {
    "quantity negative": (quantity(-1), "invalid_data"),
    "quantity zero": (quantity(0), "invalid_data"),
    "quantity huge": (quantity(10**9 + 1), "invalid_data"),
    "quantity beyond 64 bits": (quantity(10**30), "invalid_data"),
    "quantity a fraction": (quantity(1.5), "invalid_data"),
    "quantity a float": (quantity(1.0), "invalid_data"),
    "quantity a text": (quantity("1"), "invalid_data"),
    "quantity true": (quantity(True), "invalid_data"),
    "quantity missing": (lines({"sku": "TEA"}), "invalid_data"),
    "no lines": (lines(), "invalid_data"),
    "too many lines": (lines(*[{"sku": "TEA", "quantity": 1}] * 1_001), "invalid_data"),
    "lines an object": ({"data": {"location": "S1", "lines": {}}}, "invalid_data"),
    "data a text": ({"data": "TEA"}, "invalid_data"),
    "data null": ({"data": None}, "invalid_data"),
    "data in base64": ({"data": None, "data_base64": "e30="}, "invalid_data"),
    "sku with NUL": (lines({"sku": "TEA\x00", "quantity": 1}), "invalid_data"),
    "sku with a line break": (lines({"sku": "TEA\n", "quantity": 1}), "invalid_data"),
    "location with a tab": ({"data": {"location": "S\t1", "lines": [{"sku": "TEA", "quantity": 1}]}}, "invalid_data"),
    "sku unknown": (lines({"sku": "NONE", "quantity": 1}), "unknown_item"),
    "sku in another script": (lines({"sku": "чай", "quantity": 1}), "unknown_item"),
    "gtin unknown": (lines({"gtin": "4006381333931", "quantity": 1}), "unknown_item"),
    "gtin that is none": (lines({"gtin": "x", "quantity": 1}), "unknown_item"),
    "nothing named": (lines({"quantity": 1}), "item_missing"),
    "one line of two unknown": (lines({"sku": "TEA", "quantity": 1}, {"sku": "NONE", "quantity": 1}), "unknown_item"),
    "unit unknown": (lines({"sku": "TEA", "quantity": 1, "unit": "BARREL"}), "unit_refused"),
    "location unknown": ({"data": {"location": "S9", "lines": [{"sku": "TEA", "quantity": 1}]}}, "unknown_location"),
    "location missing": ({"data": {"lines": [{"sku": "TEA", "quantity": 1}]}}, "location_missing"),
    "shipment without order": ({"type": "onhand.shipment.v1"}, "order_missing"),
    "type unknown": ({"type": "onhand.sale.v2"}, "unhandled"),
    "source of another": ({"source": "till-2"}, "foreign_source"),
    "time missing": ({"time": None}, "time_missing"),
    "time in an hour": ({"time": SOON}, "time_in_future"),
    "time at the end of all": ({"time": "9999-12-31T23:59:59-14:00"}, "time_in_future"),
    "time before all": ({"time": "0001-01-01T00:00:00+14:00"}, "time_implausible"),
    "time of a clock that was reset": ({"time": "1970-01-01T00:00:00Z"}, "time_implausible"),
}


@pytest.mark.parametrize(("wrong", "reason"), PARKED.values(), ids=PARKED.keys())
def test_what_cannot_be_carried_out_is_kept_and_the_rest_unharmed(send, shop, superuser, wrong, reason):
    bad = altered(shop.event("sale", {"TEA": 1}), wrong)
    answers = send(shop.event("sale", {"TEA": 1}), bad, shop.event("sale", {"TEA": 1}))
    assert [one["outcome"] for one in answers] == ["posted", "parked", "posted"]
    assert answers[1]["problem"]["type"] == f"/problems/{reason.replace('_', '-')}"
    [(found, detail, body)] = superuser("SELECT reason, detail, body FROM channels.event WHERE outcome = 'parked'")
    assert (found, detail) == (reason, answers[1]["problem"]["detail"])
    assert json.loads(body) == bad
    assert shop.states() == {"available": 98}
    assert send(bad)[0]["outcome"] == "duplicate"


def test_every_reason_has_a_page_that_explains_it(client):
    from onhand_channels import reasons

    for reason in (*reasons.PARKED, reasons.CONFLICT, reasons.NOT_A_CLOUDEVENT):
        answer = client.get(f"/problems/{reasons.problem_type(reason)}")
        assert (answer.status_code, answer.json["title"]) == (200, reasons.title(reason))
        assert answer.json["meaning"] == reasons.mend(reason)


def test_escaped_nuls_and_odd_numbers_in_what_nobody_reads_are_kept_as_they_came(program, shop, superuser):
    told = json.dumps(shop.event("sale", {"TEA": 1})).replace('"S1"', '"S1","note":"\\u0000 \\ud83d\\ude00","n":1e999')
    answers = [program.post(EVENTS, data=told).json["results"][0]["outcome"] for _ in range(2)]
    assert answers == ["posted", "duplicate"]
    assert superuser("SELECT body FROM channels.event") == [(told,)]
    altered = told.replace("1e999", "1e998")
    assert program.post(EVENTS, data=altered).json["results"][0]["outcome"] == "conflict"


def test_an_event_nested_just_too_deeply_harms_no_other(program, shop):
    """Deep enough to pass the door's own reading, it may fail later, where fewer levels are left."""
    for depth in range(50, 1_000, 50):
        bad = shop.event("sale", {"TEA": 1}, id=f"deep-{depth}")
        bad["data"]["extra"] = "@"
        body = json.dumps([bad, shop.event("sale", {"TEA": 1})]).replace('"@"', "[" * depth + "]" * depth)
        for _ in range(2):
            answer = program.post(EVENTS, data=body)
            assert answer.status_code in {200, 400}
            if answer.status_code == 200:
                assert answer.json["results"][1]["outcome"] in {"posted", "duplicate"}


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
fields = st.sampled_from(
    [
        "specversion",
        "id",
        "source",
        "type",
        "time",
        "data",
        "subject",
        "datacontenttype",
        "dataschema",
        "ext",
        "data_base64",
    ]
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(changes=st.dictionaries(fields, json_values, max_size=3), line=st.dictionaries(
    st.sampled_from(["sku", "gtin", "quantity", "unit", "line"]), json_values, max_size=2))  # fmt: skip
def test_whatever_one_event_says_it_is_answered_and_harms_no_other(send, shop, changes, line):
    bad = shop.event("sale", [{"sku": "TEA", "quantity": 1, **line}]) | changes
    good = shop.event("sale", {"TEA": 1})
    results = send(bad, good)
    assert results[0]["outcome"] in {"posted", "parked", "refused", "conflict", "duplicate"}
    assert results[1] == {"id": good["id"], "outcome": "posted"}


def test_who_may_not_send_is_told_why(api, token, shop, kept, entities):
    a, b = entities
    sold = shop.event("sale", {"TEA": 1})
    for secret, status in (
        (None, 401),
        ("oh_" + "x" * 43, 401),
        ("nonsense", 401),
        (token(a, "channels.read", source="till-1"), 403),
        (token(b, POST, source="till-1"), 404),
        (token(b, POST), 404),
        (token(a, POST, source="till-9"), 404),
        (token(a, POST, source="till-1", lifetime=timedelta(seconds=-1)), 401),
    ):
        refused(api(secret).post(EVENTS, json=sold), status)
    assert not kept()


def test_a_revoked_token_is_refused(api, token, shop, transact, superuser):
    from onhand.access.tokens import revoke
    from onhand.testing import TESTER

    secret = token(shop.entity, POST, source="till-1")
    [(token_id,)] = superuser("SELECT max(id) FROM onhand.api_token")
    assert api(secret).post(EVENTS, json=shop.event("sale", {"TEA": 1})).status_code == 200
    transact(lambda session, now: revoke(session, [token_id], by=TESTER, now=now))
    refused(api(secret).post(EVENTS, json=shop.event("sale", {"TEA": 1})), 401)


@pytest.mark.disabled_in_b("channels")
def test_where_channels_are_off_the_door_is_not_there(api, token, shop, entities):
    refused(api(token(entities[1], POST, source="till-1")).post(EVENTS, json=shop.event("sale", {"TEA": 1})), 404)
