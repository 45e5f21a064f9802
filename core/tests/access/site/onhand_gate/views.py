import time

import msgspec
from flask import Blueprint, Response, jsonify
from onhand import audit, problems
from onhand.access import actor, hot, in_scope, principal, requires, scope
from onhand.idempotency import once
from onhand.rest import document, wire

gate = Blueprint("gate", __name__, url_prefix="/gate")
gate_api = Blueprint("gate_api", __name__, url_prefix="/api/v1")


class Line(msgspec.Struct):
    sku: wire.Code
    quantity: wire.Qty


class Thing(msgspec.Struct):
    name: wire.Text
    lines: list[Line] = []
    refuse: bool = False
    seconds: float = 0.0


thing_decoder = msgspec.json.Decoder(Thing)


@gate.get("/")
@requires("gate.read")
def page():
    return f"{principal().actor.name} in {scope()}"


@gate.post("/")
@requires("gate.write")
def change():
    return "changed"


@gate_api.get("/ping")
@hot
@requires("gate.read")
def ping():
    return Response(b'{"ok":true}', content_type="application/json")


@gate_api.get("/who")
@requires("gate.read")
def who():
    seen = in_scope(lambda session, now: session.connection().exec_driver_sql("SHOW onhand.entities").scalar())
    return jsonify(scope=scope(), seen=seen, source=principal().source, owner=principal().owner)


@gate_api.post("/things")
@requires("gate.write")
def add_thing():
    thing = wire.body(thing_decoder)

    def command(session, now):
        audit.record(session, actor(), "gate.add", thing.name)
        session.flush()
        time.sleep(thing.seconds)
        if thing.refuse:
            raise problems.Conflict("none left", requested=3, available=1)
        return 201, wire.encode({"name": thing.name, "at": now})

    return once(command)


@gate_api.get("/broken")
@requires("gate.read")
def broken():
    raise RuntimeError("this must not be told")


document(
    add_thing,
    "/api/v1/things",
    {
        "post": {
            "summary": "Add a thing",
            "requestBody": {"content": {"application/json": {"schema": Thing}}},
            "responses": {"201": {"description": "Added"}},
        }
    },
)
