import threading

import pytest
from onhand import idempotency
from onhand.idempotency import KeyExpired, KeyReused, Stored

THINGS = "/api/v1/things"
EFFECTS = "SELECT count(*) FROM onhand.audit WHERE action = 'gate.add'"


@pytest.fixture
def token(site):
    return site.token(site.a, "gate.write")


def test_same_request_again_gets_the_first_answer_byte_for_byte(site, token):
    first = site.post(THINGS, token, body={"name": "x"}, Idempotency_Key="k1")
    again = site.post(THINGS, token, body={"name": "x"}, Idempotency_Key="k1")
    assert first.status_code == again.status_code == 201
    assert first.data == again.data
    assert first.content_type == again.content_type
    assert site.owner(EFFECTS) == [(1,)]


def test_refusal_is_replayed_with_its_numbers_and_left_no_effect(site, token):
    body = {"name": "x", "refuse": True}
    first = site.post(THINGS, token, body=body, Idempotency_Key="k1")
    again = site.post(THINGS, token, body=body, Idempotency_Key="k1")
    assert first.status_code == again.status_code == 409
    assert first.data == again.data
    assert again.content_type == "application/problem+json"
    assert (again.json["requested"], again.json["available"]) == (3, 1)
    assert site.owner(EFFECTS) == [(0,)]


def test_other_body_under_a_used_key_is_422(site, token):
    site.post(THINGS, token, body={"name": "x"}, Idempotency_Key="k1")
    answer = site.post(THINGS, token, body={"name": "y"}, Idempotency_Key="k1")
    assert (answer.status_code, answer.json["type"]) == (422, "/problems/idempotency-key-reused")
    assert site.owner(EFFECTS) == [(1,)]


def test_key_whose_answer_is_older_than_thirty_days_is_409(site, token):
    site.post(THINGS, token, body={"name": "x"}, Idempotency_Key="k1")
    site.owner("UPDATE onhand.idempotency_key SET recorded_at = recorded_at - interval '30 days 1 second'")
    answer = site.post(THINGS, token, body={"name": "x"}, Idempotency_Key="k1")
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/idempotency-key-expired")
    assert site.owner(EFFECTS) == [(1,)]


def test_keys_of_different_owners_do_not_meet(site, token):
    other = site.token(site.a, "gate.write")
    for one in (token, other):
        assert site.post(THINGS, one, body={"name": "x"}, Idempotency_Key="k1").status_code == 201
    assert site.owner(EFFECTS) == [(2,)]


@pytest.mark.parametrize("key", [None, "", " ", "a b", "é", "x" * 256])
def test_missing_or_unreadable_key_is_400(site, token, key):
    headers = {} if key is None else {"Idempotency_Key": key}
    answer = site.post(THINGS, token, body={"name": "x"}, **headers)
    assert (answer.status_code, answer.json["type"]) == (400, "/problems/idempotency-key-missing")
    assert site.owner(EFFECTS) == [(0,)]


def test_equal_requests_racing_have_one_effect_and_one_answer(site, token):
    answers = []

    def send():
        answers.append(site.post(THINGS, token, body={"name": "x", "seconds": 0.3}, Idempotency_Key="k1"))

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {(answer.status_code, answer.data) for answer in answers} == {(201, answers[0].data)}
    assert site.owner(EFFECTS) == [(1,)]


def test_command_that_fails_leaves_its_key_free(site):
    def failing(session, now):
        claim_of(session, "o", [("k", b"1")], now)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        site.run(failing)
    assert site.run(lambda s, now: claim_of(s, "o", [("k", b"1")], now)) == {"k": None}


def test_claims_of_a_batch_are_told_apart(site):
    def first(session, now):
        claim_of(session, "o", [("a", b"1"), ("b", b"1"), ("old", b"1")], now)
        store_of(session, "o", [("a", 201, b"A"), ("b", 409, b"B"), ("old", 201, b"O")])

    site.run(first)
    site.owner("UPDATE onhand.idempotency_key SET recorded_at = now() - interval '31 days' WHERE key = 'old'")
    asked = [("new", b"1"), ("b", b"1"), ("a", b"2"), ("old", b"1"), ("new", b"9")]
    assert site.run(lambda s, now: claim_of(s, "o", asked, now)) == {
        "a": KeyReused(),
        "b": Stored(409, b"B"),
        "new": None,
        "old": KeyExpired(),
    }


def test_forgotten_answer_keeps_its_key(site):
    def used(session, now):
        claim_of(session, "o", [("a", b"1"), ("b", b"1")], now)
        store_of(session, "o", [("a", 201, b"A"), ("b", 201, b"B")])

    site.run(used)
    site.owner("UPDATE onhand.idempotency_key SET recorded_at = now() - interval '31 days' WHERE key = 'a'")
    assert site.run(idempotency.forget) == 1
    assert site.run(idempotency.forget) == 0
    assert site.owner("SELECT key, answer FROM onhand.idempotency_key ORDER BY key") == [("a", None), ("b", b"B")]
    claimed = site.run(lambda s, now: claim_of(s, "o", [("a", b"1"), ("a", b"1")], now))
    assert claimed == {"a": KeyExpired()}


def test_batches_that_share_keys_in_other_orders_do_not_deadlock(site):
    before = deadlocks(site)
    keys = [f"k{number}" for number in range(40)]
    done = []

    def claim(order):
        for turn in range(5):
            asked = [(f"{turn}-{key}", b"1") for key in order]
            site.run(lambda s, now, asked=asked: claim_of(s, "o", asked, now))
        done.append(True)

    threads = [threading.Thread(target=claim, args=(keys[:: 1 if one % 2 else -1],)) for one in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 4
    assert deadlocks(site) == before


def claim_of(session, owner, asked, now):
    claims = idempotency.claim(session, [(owner, key, digest) for key, digest in asked], now)
    return {key: found for (_, key), found in claims.items()}


def store_of(session, owner, answers):
    idempotency.store(session, [(owner, *answer) for answer in answers])


def deadlocks(site):
    return site.services.postgres_log.read_text().count("deadlock detected")
