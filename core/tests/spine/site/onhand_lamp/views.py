from flask import Blueprint
from onhand.access import in_scope, requires, scope

from onhand_lamp.services import lit

lamp = Blueprint("lamp", __name__, url_prefix="/lamp")
lamp_api = Blueprint("lamp_api", __name__, url_prefix="/api/v1")


@lamp.get("/")
@requires("lamp.read")
def lights():
    return f"lights: {in_scope(lambda session, _: lit(session))}"


@lamp_api.get("/lights")
@requires("lamp.read")
def lights_in_scope():
    return in_scope(lambda session, _: {"scope": list(scope()), "lights": [name for _, name in lit(session)]})
