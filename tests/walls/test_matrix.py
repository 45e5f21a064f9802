"""Every address × everyone × every entity and location: expected from what its door declares, tried for real.

What a door asks for is one permission, and holding more never takes away: so for each address three callers stand for
all sets of permissions: one who holds just that (and may read), one who holds all others, one who holds none. The roles that come with
the site are tried as they are. Unsafe requests with every right are tried by one caller, since they change things.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from onhand import problems
from onhand.access import guards
from onhand.access.doors import Door
from onhand.access.services import set_active
from onhand.access.state import access
from onhand.access.tokens import revoke
from onhand.testing import TESTER, Entity
from onhand.testing.people import csrf_token, sign_in
from onhand.testing.site import Site

from walls.matrix import Address, faulty, random_values
from walls.stage import Caller, Stage, names_of

ROLES = ("admin", "governance", "store_manager", "clerk", "auditor")
ENTERED = frozenset({200, 201, 202, 204, 302, 303, 400, 409, 412, 413, 415, 422})
REFUSED_FORM = 400


@pytest.fixture
def stage(onhand_site: Site, entities: tuple[Entity, Entity]) -> Iterator[Stage]:
    made = Stage(onhand_site, *entities)
    yield made
    made.strike()
    onhand_site.app.config["PROPAGATE_EXCEPTIONS"] = None


def none_of(faults: list[str]) -> None:
    if faults:
        pytest.fail(f"{len(faults)} faults\n" + "\n".join(faults), pytrace=False)


def guarded(stage: Stage) -> list[Address]:
    return [address for address in stage.complete() if address.door.permission is not None]


def test_every_address_has_a_sample(stage: Stage) -> None:
    none_of(
        [
            f"{address}: let samples() in onhand_{address.door.addon}/testing.py return {key!r} (see onhand.testing.samples)"
            for address in stage.addresses
            for key in address.missing(stage.own)
        ]
    )


# Who may come in.


def door_faults(stage: Stage, chosen: list[Address]) -> Iterator[str]:
    """Ask as who holds nothing, all but the permission, and the permission: only the last comes in."""
    nobody_special = stage.caller([])
    alone: dict[frozenset[str], Caller] = {}
    all_but: dict[str, Caller] = {}
    later: list[tuple[Address, Caller]] = []
    for address in chosen:
        permission = address.door.permission or ""
        needed = {stage.own[key].needs or permission for key, _ in address.variables}
        enough = frozenset({permission, f"{permission.partition('.')[0]}.read", *needed} & set(stage.permissions))
        if permission not in all_but:
            all_but[permission] = stage.caller(set(stage.permissions) - {permission})
        if enough not in alone:
            alone[enough] = stage.caller(enough)
        path = address.of(stage.own)
        for who, caller in (("none", nobody_special), (f"all but {permission}", all_but[permission])):
            answer = caller.ask(address, path)
            if answer.status_code != 403:
                yield f"{address} answers {answer.status_code} to one with {who}"
        if address.is_unsafe:
            later.append((address, alone[enough]))
        else:
            yield from entered_faults(address, alone[enough].ask(address, path), f"one with {permission}")
    for address, caller in later:
        yield from entered_faults(
            address, caller.ask(address, address.of(stage.own)), f"one with {address.door.permission}"
        )


def entered_faults(address: Address, answer: Any, who: str) -> Iterator[str]:
    if answer.status_code not in ENTERED:
        yield f"{address} answers {answer.status_code} to {who}: {answer.text[:300] if address.door.is_api else ''}"


def test_a_door_opens_to_its_permission_and_to_no_other(stage: Stage) -> None:
    none_of(list(door_faults(stage, guarded(stage))))


@pytest.mark.parametrize("role", ROLES)
def test_a_role_opens_what_its_permissions_say(stage: Stage, role: str) -> None:
    caller, held = stage.holder(role)
    faults = []
    for address in guarded(stage):
        may = address.door.permission in held
        if may and address.is_unsafe:
            continue
        answer = caller.ask(address, address.of(stage.own))
        if (answer.status_code == 403) == may or faulty(answer):
            faults.append(
                f"{address} answers {answer.status_code} to the role {role}, which may {'' if may else 'not '}enter"
            )
    none_of(faults)


def test_nobody_the_expired_the_revoked_and_the_disabled_stay_outside(stage: Stage) -> None:
    site = stage.site
    every = stage.permissions
    disabled = site.person("admin")
    browser = site.app.test_client()
    sign_in(browser, disabled, stage.a)
    csrf = csrf_token(browser, "/")
    token_of_disabled = site.token(stage.a, *every, person=disabled)
    expired, revoked = site.token(stage.a, *every), site.token(stage.a, *every)
    site.transact(lambda session, now: set_active(session, disabled.id, False, by=TESTER, now=now))
    [(_, last)] = site.database.superuser("SELECT count(*), max(id) FROM onhand.api_token")
    site.transact(lambda session, now: revoke(session, [last], by=TESTER, now=now))
    site.database.superuser("UPDATE onhand.api_token SET expires_at = now() - interval '1 s' WHERE id = %s", last - 1)
    faults = []
    for address in guarded(stage):
        path = address.of(stage.own)
        if address.door.is_api:
            for who, token in (("nobody", None), ("an unknown token", "oh_" + "x" * 43), ("an expired token", expired),
                               ("a revoked token", revoked), ("a token of one disabled", token_of_disabled)):  # fmt: skip
                answer = address.ask(site.app.test_client(), path, token=token)
                if answer.status_code != 401:
                    faults.append(f"{address} answers {answer.status_code} to {who}")
        else:
            nobody = site.app.test_client()
            for who, client, form in (
                ("nobody", nobody, csrf_token(nobody, "/login") if address.is_unsafe else ""),
                ("one disabled", browser, csrf),
            ):
                answer = address.ask(client, path, csrf=form)
                if not (answer.status_code == 303 and "/login" in answer.location):
                    faults.append(f"{address} answers {answer.status_code} to {who}")
    none_of(faults)


# Whose things they find.


def outline(answer: Any, *values: str) -> tuple[int, str]:
    """Return what an answer tells, but for the names asked for and what differs every time."""
    text: str = answer.text if answer.mimetype != "text/html" else ""
    for value in values:
        text = text.replace(value, "·")
    return answer.status_code, text


def stranger_faults(stage: Stage, chosen: list[Address]) -> Iterator[str]:
    """Ask for B's things as one who may do everything in A: the answer is that of what does not exist.

    A form may lead back to its list in either case.
    """
    caller = stage.caller(stage.permissions)
    for address in chosen:
        foreign = {key for key, _ in address.variables if not stage.own[key].of_group}
        if not foreign:
            continue
        values = {key: (stage.others if key in foreign else stage.own)[key].value for key, _ in address.variables}
        query = stage.others.get(f"?{address.rule}")
        told = query.value if query else ""
        answer = caller.ask(address, address.path(values, told))
        never = {**values, **{key: _never(values[key]) for key in foreign}}
        unknown = caller.ask(address, address.path(never, told))
        may_go_back = address.is_unsafe and (answer.status_code >= 400 or not address.door.is_api)
        if answer.status_code != 404 and not may_go_back:
            yield f"{address} answers {answer.status_code}, not 404, for what belongs to another entity"
        elif outline(answer, *values.values()) != outline(unknown, *never.values()):
            yield (
                f"{address} tells what belongs to another entity ({answer.status_code} {answer.text[:200]}) from what does "
                f"not exist ({unknown.status_code} {unknown.text[:200]})"
            )


def test_bodies_that_name_things_of_another_entity_find_nothing_and_change_nothing(stage: Stage) -> None:
    caller = stage.caller(stage.permissions)
    before = stage.fingerprint(stage.b)
    faults = []
    for address in guarded(stage):
        schema = stage.bodies.asked(address.method, address.rule) if address.is_unsafe else None
        if schema is None:
            continue
        least = stage.bodies.least(schema, names_of(stage.others))
        if least == stage.bodies.least(schema, names_of({**stage.others, **_places(stage.own)})):
            continue  # it names no place
        answer = caller.ask(address, address.of(stage.own), json=least)
        if answer.status_code < 400:
            faults.append(f"{address} answers {answer.status_code} to a body that names what belongs to another entity")
    after = stage.fingerprint(stage.b)
    none_of(faults + [f"rows of B in {table} changed" for table in after if after[table] != before[table]])


def _places(samples: dict[str, Any]) -> dict[str, Any]:
    return {key: sample for key, sample in samples.items() if key in {"locations/code", "channels/code"}}


def _never(value: str) -> str:
    """Return a name of the same shape that nothing has."""
    if value.isdecimal():
        return "987654321"
    digits = [place for place, letter in enumerate(value) if letter.isdecimal()]
    if value.count("-") == 4 and len(value) == 36:
        return f"{value[:-12]}00000000dead"
    last = digits[-1] if digits else len(value) - 1
    return f"{value[:last]}98765{value[last + 1 :]}"


def test_things_of_another_entity_are_not_there_and_stay_as_they_are(stage: Stage) -> None:
    before = stage.fingerprint(stage.b)
    none_of(list(stranger_faults(stage, guarded(stage))))
    after = stage.fingerprint(stage.b)
    none_of([f"rows of B in {table} changed" for table in after if after[table] != before[table]])


def test_things_at_another_location_are_not_there_and_stay_as_they_are(stage: Stage) -> None:
    caller = stage.caller(stage.permissions, location_id=stage.here.location_id)
    before = stage.fingerprint(stage.a)
    faults = []
    for address in guarded(stage):
        keys = [key for key, _ in address.variables]
        if not any(stage.own[key].at_location for key in keys):
            continue
        path = address.of({**stage.own, **{key: stage.elsewhere[key] for key in keys}})
        answer = caller.ask(address, path)
        if answer.status_code not in {403, 404} and (not address.is_unsafe or answer.status_code < 400):
            faults.append(f"{address} answers {answer.status_code} for what is at another location")
    after = stage.fingerprint(stage.a)
    none_of(faults + [f"rows in {table} changed" for table in after if after[table] != before[table]])


def test_no_name_however_absurd_breaks_anything(stage: Stage) -> None:
    caller = stage.caller(stage.permissions)
    faults = []
    for address in stage.addresses:
        for values in random_values(address, stage.own):
            path = address.path(values)
            answer = caller.ask(address, path)
            if faulty(answer) or (answer.status_code < 300 and not address.is_unsafe and address.door.permission):
                faults.append(f"{address} answers {answer.status_code} at {path[:120]}")
    none_of(faults)


# Forms.


def form_faults(stage: Stage, chosen: list[Address]) -> Iterator[str]:
    """Post every form without its token, with that of somebody else's session, and with its own."""
    caller, other = stage.caller(stage.permissions), stage.caller(stage.permissions)
    for address in chosen:
        if address.door.is_api or not address.is_unsafe:
            continue
        path = address.of(stage.own)
        for what, token in (("no token", ""), ("another session's token", other.csrf), ("a made up token", "x" * 91)):
            answer = address.ask(caller.browser, path, csrf=token)
            if answer.status_code != REFUSED_FORM or (
                "csrf" not in answer.text.lower() and "form" not in answer.text.lower()
            ):
                yield f"{address} answers {answer.status_code} to a form with {what}"
        if address.endpoint != "shell.logout":
            answer = address.ask(caller.browser, path, csrf=caller.csrf)
            if faulty(answer):
                yield f"{address} answers {answer.status_code} to an empty form"


def test_a_form_counts_with_the_token_of_its_own_session_alone(stage: Stage) -> None:
    none_of(list(form_faults(stage, stage.complete())))


# What callers may not set.

SERVER_OWNED = (
    "id", "entity_id", "created_at", "recorded_at", "actor", "user_id", "status", "version", "reversed_by", "approved_by",
    "from_after", "to_after",
)  # fmt: skip


def assignment_faults(stage: Stage, chosen: list[Address]) -> Iterator[str]:
    """Send each field that is the server's own with an otherwise least body: it is refused by its name.

    Those are fields that an operation answers and does not ask for, and the usual ones.
    """
    caller = stage.caller(stage.permissions)
    for address in chosen:
        schema = stage.bodies.asked(address.method, address.rule)
        if (
            schema is None
            or schema.get("additionalProperties")
            or not isinstance(least := stage.bodies.least(schema, names_of(stage.own)), dict)
        ):
            continue
        owned = {*SERVER_OWNED, *stage.bodies.answered(address.method, address.rule)} - schema.get(
            "properties", {}
        ).keys()
        for name in sorted(owned):
            answer = caller.ask(address, address.of(stage.own), json={**least, name: "1"})
            if answer.status_code != 422 or name not in answer.text:
                yield f"{address} answers {answer.status_code} to a body with {name}, which it does not ask for"


def test_no_body_sets_what_is_the_servers_own(stage: Stage) -> None:
    unsafe = [address for address in guarded(stage) if address.is_unsafe and address.door.is_api]
    assert sum(stage.bodies.asked(one.method, one.rule) is not None for one in unsafe) > 10
    none_of(list(assignment_faults(stage, unsafe)))


# The controls: a hole of each kind is found.


@pytest.fixture
def a_page(stage: Stage) -> Address:
    return next(one for one in guarded(stage) if str(one) == "GET /stock/entries/<name>")


@pytest.fixture
def a_form(stage: Stage) -> Address:
    return next(one for one in guarded(stage) if str(one) == "POST /stock/entries/<name>/reverse")


def test_a_door_that_lets_in_too_many_is_found(stage: Stage, a_page: Address) -> None:
    with stage.site.app.app_context():
        doors = access().doors
    assert doors is not None
    key = (a_page.endpoint, "GET")
    kept = doors[key]
    doors[key] = Door("master_data.read", kept.addon, kept.is_api, kept.is_hot)
    try:
        found = list(door_faults(stage, [a_page]))
    finally:
        doors[key] = kept
    assert any("all but stock.read" in fault for fault in found)
    assert any("to one with stock.read" in fault for fault in found)
    assert list(door_faults(stage, [a_page])) == []


@pytest.mark.parametrize(
    ("view", "told"),
    [
        (lambda **_: "here you are", "answers 200, not 404"),
        (lambda **_: 1 / 0, "answers 500"),
        (lambda name: problems.Problem(name) and _raise(problems.Forbidden("it is not yours")), "answers 403"),
    ],
)
def test_a_view_that_finds_too_much_or_breaks_is_found(
    stage: Stage, a_page: Address, monkeypatch: pytest.MonkeyPatch, view: Callable[..., Any], told: str
) -> None:
    assert list(stranger_faults(stage, [a_page])) == []
    monkeypatch.setitem(stage.site.app.view_functions, a_page.endpoint, view)
    assert any(told in fault for fault in stranger_faults(stage, [a_page]))


def _raise(error: Exception) -> None:
    raise error


def test_a_form_without_protection_is_found(stage: Stage, a_form: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(form_faults(stage, [a_form])) == []
    monkeypatch.setattr(guards.csrf, "protect", lambda: None)
    assert len(list(form_faults(stage, [a_form]))) == 3
