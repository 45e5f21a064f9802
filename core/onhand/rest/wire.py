"""What crosses the wire at the hot doors: compiled decoders, and problems that name the field."""

import re
from typing import Annotated, TypeVar

from flask import Response, request
from msgspec import DecodeError, Meta, ValidationError
from msgspec.json import Decoder, Encoder

from onhand import problems
from onhand.rest.fields import CODE_CHARACTERS_MAX, QUANTITY_MAX

__all__ = ["Code", "Qty", "Text", "answer", "body"]

T = TypeVar("T")
PATH = re.compile(r"^(?P<message>.*?)(?: - at `(?:key in )?\$\.?(?P<path>[^`]*)`)?$", re.DOTALL)
NO_CONTROL = r"^[^\x00-\x1f\x7f-\x9f]*$"

Code = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=CODE_CHARACTERS_MAX,
        pattern=r"^[^\s\x00-\x1f\x7f-\x9f](?:[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f])?$",
    ),
]
Text = Annotated[str, Meta(max_length=2_000, pattern=NO_CONTROL)]
Qty = Annotated[int, Meta(ge=1, le=QUANTITY_MAX)]

encode = Encoder().encode


def body(decoder: Decoder[T]) -> T:
    """Return this request's JSON body as the decoder's type.

    Malformed for what is no JSON, Invalid naming the field for what does not fit; the media type is not asked for.
    """
    try:
        return decoder.decode(request.get_data(cache=True))
    except ValidationError as error:
        found = PATH.match(str(error))
        assert found is not None  # noqa: S101 - the pattern takes any text
        field = found["path"] or "body"
        raise problems.Invalid(errors=[problems.field_error(field, found["message"])]) from None
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise problems.Malformed(f"the body is no JSON: {error}") from None


def answer(document: object, status: int = 200) -> Response:
    """Return a JSON response of structs, dataclasses or plain values, encoded by a compiled encoder."""
    return Response(encode(document), status, content_type="application/json")
