from flask import Blueprint, abort, jsonify, render_template
from onhand.access import in_scope, requires
from onhand.db import cursor
from onhand.rest import document

sample = Blueprint("sample", __name__, url_prefix="/sample", template_folder="templates")
sample_api = Blueprint("sample_api", __name__, url_prefix="/api/v1")


def _names(session, _):
    return [row[0] for row in cursor(session).execute("SELECT name FROM sample.thing ORDER BY name").fetchall()]


@sample.get("/")
@requires("sample.read")
def things():
    return render_template("sample/things.html", names=in_scope(_names))


@sample.post("/<int:number>")
@requires("sample.edit")
def change(number):
    abort(404)


@sample_api.get("/things/<any(old, new):age>")
@requires("sample.read")
def list_things(age):
    return jsonify(in_scope(_names))


@sample_api.post("/things")
@requires("sample.edit")
def add_thing():
    return jsonify({}), 201


OK = {"description": "As asked"}
document(list_things, "/api/v1/things/{age}", {"get": {"summary": "List things.", "responses": {"200": OK}}})
document(add_thing, "/api/v1/things", {"post": {"summary": "Add a thing.", "responses": {"201": OK}}})
