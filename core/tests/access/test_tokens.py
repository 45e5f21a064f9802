import time

import pytest
from access_site import TESTER, sign_in
from onhand.access import tokens
from onhand.access.services import RoleAt, set_active

PING = "/api/v1/ping"
WHO = "/api/v1/who"


def test_token_opens_the_doors_of_its_permissions_only(site):
    token = site.token(site.a, "gate.read")
    assert site.get(PING, token).status_code == 200
    refused = site.post("/api/v1/things", token, body={"name": "x"}, Idempotency_Key="k")
    assert refused.status_code == 403
    assert refused.json["permission"] == "gate.write"


def test_request_without_or_with_a_foreign_token_is_401_with_a_challenge(site):
    for secret in (None, "nonsense", "oh_" + "x" * 43, "oh_" + "\x00" * 43):
        answer = site.get(PING, secret)
        assert answer.status_code == 401
        assert answer.content_type == "application/problem+json"
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_the_name_of_the_scheme_may_be_written_in_any_case(site):
    token = site.token(site.a, "gate.read")
    assert site.get(PING, Authorization=f"bearer {token}").status_code == 200
    assert site.get(PING, Authorization=f"Basic {token}").status_code == 401


def test_token_is_kept_as_digest_only(site):
    secret = site.token(site.a, "gate.read")
    rows = site.owner("SELECT api_token::text FROM onhand.api_token")
    assert secret[9:] not in rows[0][0]
    assert secret.startswith("oh_")
    assert len(secret) == 46


def test_expired_token_is_401_even_while_remembered(site, now_passes):
    token = site.token(site.a, "gate.read", days=1 / 86_400)
    assert site.get(PING, token).status_code == 200
    time.sleep(1.1)
    assert site.get(PING, token).status_code == 401


def test_revoked_token_is_401_here_at_once(site):
    token = site.token(site.a, "gate.read")
    assert site.get(PING, token).status_code == 200
    ids = site.run(lambda s, now: [row.id for row in tokens.tokens(s)])
    site.run(lambda s, now: tokens.revoke(s, ids, by=TESTER, now=now))
    assert site.get(PING, token).status_code == 401


def test_revocation_elsewhere_takes_effect_within_the_cache_seconds(site, now_passes):
    token = site.token(site.a, "gate.read")
    assert site.get(PING, token).status_code == 200
    site.owner("UPDATE onhand.api_token SET revoked_at = now()")
    assert site.get(PING, token).status_code == 200
    now_passes(3.01)
    assert site.get(PING, token).status_code == 401


def test_token_of_an_entity_without_the_addon_sees_404(site):
    assert site.get(PING, site.token(site.b, "gate.read")).status_code == 404


def test_group_token_reaches_the_entities_where_the_addon_is_on(site):
    answer = site.get(WHO, site.token(None, "gate.read")).json
    assert answer["scope"] == [site.a]
    assert answer["seen"] == f"{{{site.a}}}"


def test_addon_switched_on_elsewhere_opens_its_doors(site):
    token = site.token(site.b, "gate.read")
    assert site.get(PING, token).status_code == 404
    site.owner(
        """INSERT INTO onhand.enablement (entity_id, addon, state, effective_from, recorded_at, actor)
           VALUES (%s, 'gate', 'enabled', now(), now(), 'x')""",
        site.b,
    )
    assert site.get(PING, token).status_code == 200


def test_addon_switched_off_elsewhere_is_404_as_soon_as_a_transaction_opens(site):
    token = site.token(site.a, "gate.read")
    assert site.get(WHO, token).status_code == 200
    site.owner(
        """INSERT INTO onhand.enablement (entity_id, addon, state, effective_from, recorded_at, actor)
           VALUES (%s, 'gate', 'disabled', now(), now(), 'x')""",
        site.a,
    )
    assert site.get(WHO, token).status_code == 404
    assert site.get(PING, token).status_code == 404


def test_persons_token_never_exceeds_the_person(site):
    user_id = site.user("clara", RoleAt("clerk", site.a))
    token = site.token(None, "gate.read", "gate.adjust", user_id=user_id)
    assert site.get(WHO, token).json["owner"] == f"user:{user_id}"
    assert site.get(WHO, token).json["scope"] == [site.a]
    assert site.post("/api/v1/things", token, body={}).status_code == 403
    site.run(lambda s, now: set_active(s, user_id, False, by=TESTER, now=now))
    assert site.get(WHO, token).status_code == 401


def test_tokens_of_one_source_share_their_idempotency_keys(site):
    owners = {site.get(WHO, site.token(site.a, "gate.read", source="WEB")).json["owner"] for _ in range(2)}
    assert owners == {f"source:{site.a}:WEB"}


def test_permission_that_nobody_declares_cannot_be_given(site):
    with pytest.raises(tokens.UnknownPermission, match=r"gate\.fly"):
        site.token(site.a, "gate.fly")


def test_cookie_does_not_open_the_api(site):
    site.user("adam", RoleAt("admin"))
    client = site.client()
    sign_in(client, "adam")
    assert client.get("/gate/").status_code == 200
    assert client.get(PING).status_code == 401
