"""Marshmallow fields that refuse what the database or a reader would choke on."""

import re
from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError, fields, validate

__all__ = ["CODE_CHARACTERS_MAX", "QUANTITY_MAX", "Code", "Moment", "Qty", "Text"]

QUANTITY_MAX = 2_000_000_000
CODE_CHARACTERS_MAX = 80
TEXT_CHARACTERS_MAX = 2_000
CODE = re.compile(r"[^\s\x00-\x1f\x7f-\x9f](?:[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f])?")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


class Qty(fields.Integer):
    """A whole number in the item's base unit, from `min` (1 unless said) to 2,000,000,000. No floats, no strings."""

    def __init__(self, *, min: int = 1, max: int = QUANTITY_MAX, **kwargs: Any) -> None:  # noqa: A002 - marshmallow's words
        super().__init__(strict=True, validate=validate.Range(min=min, max=max), **kwargs)

    def _validated(self, value: Any) -> int:
        if type(value) is not int:
            raise ValidationError("Not a whole number.")
        return value


class Text(fields.String):
    """Text for people, up to `max` characters, without control characters other than tab and new line."""

    def __init__(self, *, max: int = TEXT_CHARACTERS_MAX, min: int = 0, **kwargs: Any) -> None:  # noqa: A002 - marshmallow's words
        super().__init__(validate=validate.Length(min=min, max=max), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if CONTROL.search(text):
            raise ValidationError("Control characters are not allowed.")
        return text


class Code(Text):
    """A code that names something: 1 to 80 characters, no control characters, no blanks at its ends."""

    def __init__(self, *, max: int = CODE_CHARACTERS_MAX, **kwargs: Any) -> None:  # noqa: A002 - marshmallow's words
        super().__init__(min=1, max=max, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        code = super()._deserialize(value, attr, data, **kwargs)
        if not CODE.fullmatch(code):
            raise ValidationError("A code has no blanks at its ends and no line breaks.")
        return code


class Moment(fields.AwareDateTime):
    """A point in time with its offset (RFC 3339), kept in UTC; one without an offset is refused."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="iso", **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        moment: datetime = super()._deserialize(value, attr, data, **kwargs)
        try:
            return moment.astimezone(UTC)
        except OverflowError:  # the first and last hours of all, seen from elsewhere
            raise ValidationError("Beyond the years 1 to 9999.") from None
