"""REST: `/api/v1/units` and `/api/v1/categories`, on which items stand."""
# mypy: disable-error-code="untyped-decorator"

from datetime import datetime
from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint
from onhand import problems
from onhand.access import actor, in_scope, requires
from sqlalchemy.orm import Session

from onhand_master_data import queries, schemas, services
from onhand_master_data.services import Requested
from onhand_master_data.values import Category, Unit, UnitChange
from onhand_master_data.views.asking import answered, change, demand_whole_entities, taken_apart

__all__ = ["categories_api", "known_unit", "units_api"]

units_api = Blueprint("master_data_api_units", __name__, url_prefix="/units", description="Units of measure")
categories_api = Blueprint(
    "master_data_api_categories", __name__, url_prefix="/categories", description="The group's category tree"
)


@units_api.route("")
class Units(MethodView):
    """All units."""

    @requires("master_data.read")
    @units_api.response(200, schemas.UnitListSchema)
    def get(self) -> dict[str, Any]:
        """List units by dimension and code. They are few: there is one page."""
        return {"items": list(in_scope(lambda session, _: queries.units(session)).values())}

    @requires("master_data.edit")
    @units_api.arguments(schemas.UnitSchema)
    @units_api.response(201, schemas.UnitSchema)
    def post(self, given: dict[str, Any]) -> Unit:
        """Name a package that the list lacks."""
        demand_whole_entities()
        return change(lambda session, now: services.create_units(session, [Unit(**given)], by=actor(), now=now))[0]


@units_api.route("/<code>")
class OneUnit(MethodView):
    """One unit."""

    @requires("master_data.read")
    @units_api.response(200, schemas.UnitSchema)
    def get(self, code: str) -> Unit:
        """Return a unit."""
        return in_scope(lambda session, _: known_unit(session, code))

    @requires("master_data.edit")
    @units_api.arguments(schemas.UnitPatchSchema)
    @units_api.response(200, schemas.UnitSchema)
    @units_api.alt_response(202, schema=schemas.AskedForSchema)
    def patch(self, given: dict[str, Any], code: str) -> Any:
        """Call a unit by another name. One that items have becomes a change request: 202 where it waits."""
        demand_whole_entities()
        wish, terms = taken_apart(given)

        def command(session: Session, now: datetime) -> Unit | Requested:
            known_unit(session, code)
            changed = services.change_units(session, [UnitChange(code, **wish)], terms=terms, by=actor(), now=now)
            return changed.waiting or queries.units(session)[code]

        return answered(change(command))


@categories_api.route("")
class Categories(MethodView):
    """The tree."""

    @requires("master_data.read")
    @categories_api.response(200, schemas.CategoryListSchema)
    def get(self) -> dict[str, Any]:
        """List categories by name. They are few: there is one page."""
        return {"items": list(in_scope(lambda session, _: queries.categories(session)).values())}

    @requires("master_data.edit")
    @categories_api.arguments(schemas.CategorySchema)
    @categories_api.response(201, schemas.CategorySchema)
    def post(self, given: dict[str, Any]) -> Category:
        """Create a category; 409 when its code is taken."""
        demand_whole_entities()
        wish = [Category(**given)]
        return change(lambda session, now: services.create_categories(session, wish, by=actor(), now=now))[0]


@categories_api.route("/<code>")
class OneCategory(MethodView):
    """One category."""

    @requires("master_data.read")
    @categories_api.response(200, schemas.CategorySchema)
    def get(self, code: str) -> Category:
        """Return a category."""
        return in_scope(lambda session, _: _known_category(session, code))

    @requires("master_data.edit")
    @categories_api.arguments(schemas.CategoryPatchSchema)
    @categories_api.response(200, schemas.CategorySchema)
    def patch(self, given: dict[str, Any], code: str) -> Category:
        """Rename a category, or hang it elsewhere in the tree."""
        demand_whole_entities()

        def command(session: Session, now: datetime) -> Category:
            before = _known_category(session, code)
            wish = Category(code, given.get("name", before.name), given.get("parent", before.parent))
            return services.save_categories(session, [wish], by=actor(), now=now)[0]

        return change(command)


def known_unit(session: Session, code: str) -> Unit:
    """Return the unit of this code; NotFound otherwise."""
    unit = queries.units(session).get(code)
    if unit is None:
        raise problems.NotFound("there is no such unit")
    return unit


def _known_category(session: Session, code: str) -> Category:
    category = queries.categories(session).get(code)
    if category is None:
        raise problems.NotFound("there is no such category")
    return category
