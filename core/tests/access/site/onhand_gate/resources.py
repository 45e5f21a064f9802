import marshmallow as ma
from flask.views import MethodView
from flask_smorest import Blueprint
from onhand.access import in_scope, requires
from onhand.audit import Audit
from onhand.rest import fields, page
from sqlalchemy import select

gate_rows = Blueprint("gate_rows", __name__, url_prefix="/rows", description="Rows")


class Query(ma.Schema):
    action = fields.Code()
    cursor = fields.Text(max=1000)
    limit = ma.fields.Integer(load_default=3)


class NewRow(ma.Schema):
    code = fields.Code(required=True)
    quantity = fields.Qty(required=True)
    at = fields.Moment()
    lines = ma.fields.List(ma.fields.Nested(lambda: NewRow(only=("code", "quantity"))))


class Row(ma.Schema):
    id = ma.fields.Integer()
    subject = ma.fields.String()


class Rows(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(Row))
    next = ma.fields.String(allow_none=True)


@gate_rows.route("")
class RowsView(MethodView):
    @gate_rows.arguments(Query, location="query")
    @gate_rows.response(200, Rows)
    @requires("gate.read")
    def get(self, query):
        """Every row.

        In the order written.
        """
        rows = select(Audit.id, Audit.subject)
        if "action" in query:
            rows = rows.where(Audit.action == query["action"])
        return in_scope(lambda session, now: page(session, rows, [Audit.id], query.get("cursor"), query["limit"]))

    @requires("gate.write")
    @gate_rows.arguments(NewRow)
    @gate_rows.response(201, NewRow)
    def post(self, row):
        """Add a row."""
        return row
