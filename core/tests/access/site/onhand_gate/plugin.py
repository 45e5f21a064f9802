"""Gate: a small add-on with one door of each kind."""

from onhand.contributions import Importer, Permission, PolicyType
from onhand.hooks import hookimpl

from onhand_gate import importing, views
from onhand_gate import resources as rows


@hookimpl
def permissions():
    return [Permission("gate.read", "Look"), Permission("gate.write", "Write"), Permission("gate.adjust", "Adjust")]


@hookimpl
def blueprints():
    return [views.gate, views.gate_api]


@hookimpl
def resources():
    return [rows.gate_rows]


@hookimpl
def policies():
    return [
        PolicyType("gate.height", "Height", int, 3, "How high the gate is", unit="cm", scopes=("entity", "location"))
    ]


@hookimpl
def importers():
    return [Importer("things", "name, size", importing.things)]


@hookimpl
def commands():
    return [importing.count]
