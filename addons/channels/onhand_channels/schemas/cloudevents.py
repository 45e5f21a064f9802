"""What crosses the wire into the event door: CloudEvents 1.0, and the data of our own types. Shape only."""

import re
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Raw, Struct, field

__all__ = [
    "EVENTS_MAX",
    "Envelope",
    "Facts",
    "Line",
    "Name",
    "NotACloudEvent",
    "ReportLine",
    "StockReport",
    "decode_envelope",
]

EVENTS_MAX = 1_000
LINES_MAX = 1_000
QUANTITY_MAX = 1_000_000_000

# No control characters: PostgreSQL keeps no NUL, CloudEvents 1.0 (§ Type System, String) allows none of them.
PLAIN = r"^[^\x00-\x1f\x7f-\x9f]+\Z"
Name = Annotated[str, Meta(min_length=1, max_length=255, pattern=PLAIN)]
# An envelope's attributes are the same, but a pattern costs half a microsecond each: where the text of an event has no
# byte that could become a control character, as most have, nobody looks.
Attribute = Annotated[str, Meta(min_length=1, extra_json_schema={"pattern": PLAIN})]
ShortAttribute = Annotated[str, Meta(min_length=1, max_length=255, extra_json_schema={"pattern": PLAIN})]
MediaType = Annotated[str, Meta(pattern=r"^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+\s*(;[^\x00-\x1f\x7f-\x9f]*)?\Z")]
Moment = Annotated[datetime, Meta(tz=True)]


class Envelope(
    Struct,
    forbid_unknown_fields=True,
    rename={"content_type": "datacontenttype", "schema": "dataschema", "data_bytes": "data_base64"},
):
    """A CloudEvent in structured JSON form. Extension attributes are allowed, and kept in the body."""

    specversion: Literal["1.0"]
    id: ShortAttribute
    source: ShortAttribute
    type: ShortAttribute
    time: Moment | None = None
    data: Raw = field(default_factory=Raw)  # a default of Raw itself cannot be described in OpenAPI
    subject: Attribute | None = None
    content_type: MediaType | None = None
    schema: Attribute | None = None
    data_bytes: bytes | None = None


class _Extended(Envelope, forbid_unknown_fields=False):
    """An envelope with extension attributes, which are checked one by one."""


class NotACloudEvent(ValueError):
    """Something that is no CloudEvent 1.0 in structured JSON form; says why."""


has_controls = re.compile(r"[\x00-\x1f\x7f-\x9f]").search
EXTENSION_NAME = re.compile(r"[a-z0-9]+")
EXTENSION_TEXT = re.compile(r"[^\x00-\x1f\x7f-\x9f]*")
TEXTS = {"id": "id", "source": "source", "type": "type", "subject": "subject", "schema": "dataschema"}
ATTRIBUTES = frozenset(Envelope.__struct_encode_fields__)
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

decode_bare = msgspec.json.Decoder(Envelope).decode
decode_extended = msgspec.json.Decoder(_Extended).decode
decode_members = msgspec.json.Decoder(dict[str, Raw]).decode
decode_extension = msgspec.json.Decoder(bool | Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)] | str | None).decode


def decode_envelope(text: bytes) -> Envelope:
    """Return the envelope of a CloudEvent, its data undecoded; NotACloudEvent for anything else."""
    try:
        envelope = decode_bare(text)
    except UNREADABLE:
        envelope = _decode_extended(text)
    if b"\\" in text or b"\x7f" in text or b"\xc2" in text:  # an escape, DEL, how U+0080 to U+009F begin in UTF-8
        _refuse_controls(envelope)
    if envelope.data_bytes is not None and envelope.data:
        raise NotACloudEvent("it has both data and data_base64")
    return envelope


def _refuse_controls(envelope: Envelope) -> None:
    for name, attribute in TEXTS.items():
        if has_controls(getattr(envelope, name) or ""):
            raise NotACloudEvent(f"attribute {attribute!r} has control characters")


def _decode_extended(text: bytes) -> Envelope:
    try:
        envelope = decode_extended(text)
        members = decode_members(text)
    except RecursionError:
        raise NotACloudEvent("it is nested too deeply") from None
    except UNREADABLE as error:
        raise NotACloudEvent(str(error)) from None
    for name in members.keys() - ATTRIBUTES:
        if not EXTENSION_NAME.fullmatch(name):
            raise NotACloudEvent(f"{name[:40]!r} is no attribute name: lower-case letters and digits only")
        try:
            value = decode_extension(members[name])
        except UNREADABLE as error:
            raise NotACloudEvent(f"attribute {name!r}: {error}") from None
        if isinstance(value, str) and not EXTENSION_TEXT.fullmatch(value):
            raise NotACloudEvent(f"attribute {name!r} has control characters")
    return envelope


class Line(Struct):
    """Units of one item, named by SKU or GTIN; `line` names the order line it serves."""

    quantity: Annotated[int, Meta(ge=1, le=QUANTITY_MAX)]
    sku: Name | None = None
    gtin: Name | None = None
    line: Annotated[int, Meta(ge=0, le=1_000_000)] | Name | None = None
    unit: Name | None = None


class Facts(Struct):
    """The data of a sale, order, cancellation, shipment, receipt or return."""

    lines: Annotated[list[Line], Meta(min_length=1, max_length=LINES_MAX)]
    location: Name | None = None
    order: Name | None = None


class ReportLine(Struct):
    """A channel's own number of one item, named by SKU or GTIN, in its base unit."""

    quantity: Annotated[int, Meta(ge=0, le=QUANTITY_MAX)]
    sku: Name | None = None
    gtin: Name | None = None


class StockReport(Struct):
    """The data of a stock report: a channel's own numbers at a location, as of a moment; without one, the event's."""

    location: Name
    lines: Annotated[list[ReportLine], Meta(min_length=1, max_length=LINES_MAX)]
    as_of: Moment | None = None
