"""What crosses the wire: shape only."""

from typing import Any, get_args

from marshmallow import Schema, ValidationError, validate, validates_schema
from marshmallow import fields as ma
from onhand.rest import LIMIT_DEFAULT, LIMIT_MAX, fields

from onhand_exceptions.filtering import TEXT_CHARACTERS_MAX, Tab
from onhand_exceptions.services.acts import ROWS_MAX, VERBS
from onhand_exceptions.services.snoozing import SNOOZE_TIMES_MAX, Until

__all__ = [
    "ActSchema", "ActedSchema", "AssignSchema", "CommentSchema", "ExceptionDetailSchema", "ExceptionListSchema",
    "ExceptionQuerySchema", "ExceptionSchema", "ResolveSchema", "SnoozeSchema",
]  # fmt: skip

HOURS_MAX = 24 * 366
REASON_CHARACTERS_MAX = 2_000


class ExceptionQuerySchema(Schema):
    """What a list is narrowed by. `owner` is `me`, `none` or a user's id; `q` is the filter text of the inbox.

    `tab` is one of the inbox, and goes before `status`.
    """

    q = fields.Text(max=TEXT_CHARACTERS_MAX)
    tab = ma.String(validate=validate.OneOf(get_args(Tab)))
    status = ma.String(load_default="open", validate=validate.OneOf(["open", "resolved"]))
    kind = fields.Code()
    entity = fields.Code()
    location = fields.Code()
    sku = fields.Code()
    owner = ma.String(validate=validate.Regexp(r"^(me|none|[1-9][0-9]{0,8})$"))
    older_than_hours = ma.Integer(validate=validate.Range(0, HOURS_MAX))
    cursor = ma.String()
    limit = ma.Integer(load_default=LIMIT_DEFAULT, validate=validate.Range(1, LIMIT_MAX))


class OwnerSchema(Schema):
    """The person an exception belongs to."""

    id = ma.Integer()
    name = ma.String()


class ExceptionSchema(Schema):
    """One episode of a cause. `kind`, `title` and `quantity` are those of the severest evidence that holds.

    `amount_minor` is the money at risk in minor units of `currency`; null where nobody knows.
    """

    id = ma.UUID()
    entity = ma.String()
    cause = ma.String()
    episode = ma.Integer()
    status = ma.String()
    state = ma.String()
    for_review = ma.Boolean()
    snooze = ma.String(allow_none=True)
    snooze_until = fields.Moment(allow_none=True)
    due_at = fields.Moment()
    amount_minor = ma.Integer(allow_none=True)
    currency = ma.String()
    kind = ma.String()
    kinds = ma.List(ma.String())
    severity = ma.Integer()
    title = ma.String()
    sku = ma.String(allow_none=True)
    location = ma.String(allow_none=True)
    quantity = ma.Integer()
    count = ma.Integer()
    first_seen_at = fields.Moment()
    last_seen_at = fields.Moment()
    age_seconds = ma.Integer()
    owner = ma.Nested(OwnerSchema, allow_none=True)
    reopened = ma.Integer()
    resolved_at = fields.Moment(allow_none=True)
    resolution = ma.String(allow_none=True)
    resolved_by = ma.String(allow_none=True)
    reason = ma.String(allow_none=True)


class EvidenceSchema(Schema):
    """Why we think so: what one kind reported, and whether it still holds."""

    kind = ma.String()
    holds = ma.Boolean()
    severity = ma.Integer()
    title = ma.String()
    quantity = ma.Integer()
    count = ma.Integer()
    first_seen_at = fields.Moment()
    last_seen_at = fields.Moment()
    latest = ma.Dict(keys=ma.String())


class ActivitySchema(Schema):
    """Something that happened to an exception. `person` is whom it was given to."""

    verb = ma.String()
    recorded_at = fields.Moment()
    actor = ma.String()
    actor_name = ma.String()
    person = ma.String(allow_none=True)
    note = ma.String(allow_none=True)


class ExceptionDetailSchema(ExceptionSchema):
    """An exception with its evidence and what happened to it."""

    evidence = ma.List(ma.Nested(EvidenceSchema))
    activity = ma.List(ma.Nested(ActivitySchema))


class ExceptionListSchema(Schema):
    """A page of exceptions; `next` is the cursor of those that follow."""

    items = ma.List(ma.Nested(ExceptionSchema))
    next = ma.String(allow_none=True)


def is_owner(value: object) -> bool:
    """Take `me`, a user's id or null; anything else is a ValidationError."""
    if value is None or value == "me" or (type(value) is int and 0 < value < 2**31):
        return True
    raise ValidationError('Either null, "me" or a user\'s id.')


class AssignSchema(Schema):
    """Whose it shall be: `me`, a user's id, or null for nobody's."""

    owner = ma.Raw(required=True, allow_none=True, validate=is_owner)


class CommentSchema(Schema):
    """Something to say about it."""

    note = fields.Text(required=True, min=1, max=REASON_CHARACTERS_MAX)


class ResolveSchema(Schema):
    """Why it is dealt with."""

    reason = fields.Text(required=True, min=1, max=REASON_CHARACTERS_MAX)


class SnoozeSchema(Schema):
    """Until when it rests: a date (`at`), until it is worse than now, or until it was seen `times` more (`count`)."""

    until = ma.String(required=True, validate=validate.OneOf(get_args(Until)))
    at = fields.Moment()
    times = ma.Integer(validate=validate.Range(1, SNOOZE_TIMES_MAX))

    @validates_schema
    def fits(self, given: dict[str, Any], **_: Any) -> None:
        """A date needs its moment, a count its number."""
        _demand(given, *SNOOZE_NEEDS.get(given["until"], ()))


SNOOZE_NEEDS = {"date": ("at",), "count": ("times",)}
NEEDS = {"assign": ("owner",), "snooze": ("until",), "resolve": ("reason",), "comment": ("note",)}


class ActSchema(Schema):
    """One thing to do to each exception of a list, all of one entity.

    `assign` takes `owner`; `snooze` takes `until` and `at` or `times` with it; `resolve` a `reason`; `comment` a `note`;
    `wake` nothing.
    """

    verb = ma.String(required=True, validate=validate.OneOf(VERBS))
    ids = ma.List(ma.UUID(), required=True, validate=validate.Length(1, ROWS_MAX))
    owner = ma.Raw(allow_none=True, validate=is_owner)
    until = ma.String(validate=validate.OneOf(get_args(Until)))
    at = fields.Moment()
    times = ma.Integer(validate=validate.Range(1, SNOOZE_TIMES_MAX))
    reason = fields.Text(min=1, max=REASON_CHARACTERS_MAX)
    note = fields.Text(min=1, max=REASON_CHARACTERS_MAX)

    @validates_schema
    def fits(self, given: dict[str, Any], **_: Any) -> None:
        """What the verb needs is there."""
        _demand(given, *NEEDS.get(given["verb"], ()))
        if given["verb"] == "snooze":
            _demand(given, *SNOOZE_NEEDS.get(given["until"], ()))


class ActedRowSchema(Schema):
    """What became of it for one exception: `done`, `undone`, or `refused` with why."""

    id = ma.UUID()
    outcome = ma.String(validate=validate.OneOf(["done", "undone", "refused"]))
    detail = ma.String(allow_none=True)


class ActedSchema(Schema):
    """What became of an act, in the order asked. Whoever acted may take it back until `undo_until`."""

    id = ma.UUID()
    verb = ma.String()
    recorded_at = fields.Moment()
    undo_until = fields.Moment()
    undone_at = fields.Moment(allow_none=True)
    results = ma.List(ma.Nested(ActedRowSchema))


def _demand(given: dict[str, Any], *names: str) -> None:
    missing = {name: ["Missing data for required field."] for name in names if name not in given}
    if missing:
        raise ValidationError(missing)
