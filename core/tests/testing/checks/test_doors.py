"""Jobs, routes, menus and what programs are told of them."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from onhand.access.doors import Door
from onhand.contract import doors, jobs
from onhand.contributions import MenuItem, Permission, Schedule
from onhand.jobs import actor
from planting import contributing


@actor(addon="sample")
def look_around(entities):
    """Look."""


def silent(entities):
    pass


@pytest.mark.parametrize(
    "wrong",
    [
        actor(addon="sample")(silent),
        actor(addon="sample", attempts=1000)(print),
        actor(addon="sample", seconds_max=10**6)(print),
    ],
)
def test_an_actor_without_bound_or_reason_is_told(wrong):
    assert len([*jobs.actors([wrong])]) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"every": timedelta(0)},
        {"cron": "often"},
        {"every": timedelta(hours=1), "actor": actor(addon="stock")(silent)},
    ],
)
def test_a_schedule_that_cannot_be_kept_is_told(wrong):
    fine = Schedule("sample.look", look_around, cron="0 3 * * *")
    assert [*jobs.schedules([fine], "sample")] == []
    assert len([*jobs.schedules([Schedule(**{"name": "x", "actor": look_around, **wrong})], "sample")]) == 1


def test_permissions_nobody_asks_for_are_told():
    assert [*doors.permissions(contributing(permissions=[Permission("sample.read", "See things")]))] == []
    [fault] = doors.permissions(contributing(permissions=[Permission("sample.sing", "Sing")]))
    assert fault.startswith("sample.sing ")


def test_lines_of_the_menu_that_lead_astray_are_told():
    subject = contributing(menu=[MenuItem("Here", "sample.here", "box", "sample.read"),
                                 MenuItem("There", "stock.balances", "box", "stock.read")])  # fmt: skip
    subject.doors = {("sample.here", "GET"): Door("sample.edit", "sample", False, False)}
    assert len([*doors.menu(subject)]) == 2


def test_public_routes_and_permissions_of_strangers_are_told():
    routes = {("sample.things", "GET"): Door("sample.read", "sample", is_api=False, is_hot=False)}
    assert [*doors.asked(routes, {"sample"}, {"sample.read"})] == []
    assert len([*doors.asked(routes, {"stock"}, {"sample.read"})]) == 1
    assert len([*doors.asked(routes, {"sample"}, {"sample.edit"})]) == 1
    bare = {key: replace(door, permission=None) for key, door in routes.items()}
    assert len([*doors.open_to_all(bare, frozenset())]) == 1
    assert [*doors.open_to_all(bare, {"sample.things"})] == []


OPERATION = {"summary": "Return a thing.", "responses": {"200": {}}}
ID = {"name": "id", "in": "path", "schema": {}}
CAMEL = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}}


@pytest.mark.parametrize(
    ("said", "faults"),
    [
        ({"get": OPERATION, "parameters": [ID]}, 0),
        ({}, 1),
        ({"get": OPERATION}, 1),
        ({"get": {**OPERATION, "summary": ""}, "parameters": [ID]}, 1),
        ({"get": {**OPERATION, "responses": {"422": {}}}, "parameters": [ID]}, 1),
        ({"get": OPERATION, "parameters": [{"name": "id", "in": "path"}]}, 1),
        ({"get": {**OPERATION, "responses": {"200": CAMEL}}, "parameters": [ID]}, 1),
    ],
)
def test_what_programs_are_not_told_is_told(said, faults):
    rule = SimpleNamespace(rule="/api/v1/things/<int:id>", endpoint="sample_api.thing", methods={"GET"})
    thing = {"type": "object", "properties": {"soldAt": {}}}
    subject = SimpleNamespace(
        doors={("sample_api.thing", "GET"): Door("sample.read", "sample", is_api=True, is_hot=False)},
        app=SimpleNamespace(url_map=SimpleNamespace(iter_rules=lambda: [rule])),
        description={"paths": {"/api/v1/things/{id}": said}, "components": {"schemas": {"Thing": thing}}},
    )
    assert len([*doors.descriptions(subject)]) == faults
