"""Problems: what a door answers when it cannot do what was asked (RFC 9457)."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from onhand.contributions import ImportReport

__all__ = [
    "AddonFailed", "AddonTooSlow", "Conflict", "Declined", "FieldError", "Forbidden", "ImportRefused", "Invalid", "KeyExpired", "KeyMissing", "KeyReused",
    "Malformed", "MethodRefused", "NotFound", "Problem", "TooLarge", "TooMany", "Unauthenticated", "Unavailable",
    "Unexpected", "WrongMedia", "catalogue", "field_error",
]  # fmt: skip

FieldError = dict[str, Any]
SHOWN_CHARACTERS_MAX = 80

encode = msgspec.json.Encoder().encode


class Problem(Exception):
    """A refusal with a type, a status and whatever numbers explain it.

    `errors` names the fields at fault, each made by `field_error`; further keywords become members of the document.
    """

    type: str = "problem"
    title: str = "The request could not be carried out"
    status: int = 500

    def __init__(
        self,
        detail: str = "",
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        self.detail = detail
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.extra = extra
        super().__init__(detail or self.title)

    def document(self) -> dict[str, Any]:
        """Return the members of the problem document; `type` leads to a page that explains it."""
        members: dict[str, Any] = {
            "type": f"/problems/{self.type}",
            "title": self.title,
            "status": self.status,
        }
        if self.detail:
            members["detail"] = self.detail
        if self.errors:
            members["errors"] = self.errors
        return {**members, **self.extra}

    def body(self) -> bytes:
        """Return the document as JSON."""
        return encode(self.document())


class Malformed(Problem):
    """The request cannot be read: no JSON, wrong encoding, a bad cursor or header. Mend it before sending again."""

    type, title, status = "malformed", "The request cannot be read", 400


class KeyMissing(Malformed):
    """A request that takes effect once came without an `Idempotency-Key`, or with one that is not 1 to 255 visible ASCII."""

    type, title = "idempotency-key-missing", "This request needs an Idempotency-Key"


class Unauthenticated(Problem):
    """Nobody is named: the bearer token is missing, unknown, expired or revoked, or its owner is disabled."""

    type, title, status = "unauthenticated", "A valid token is needed", 401

    def __init__(self, detail: str = "", **extra: Any) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer realm="onhand"'}, **extra)


class Forbidden(Problem):
    """Who asks is known, and may not do this anywhere."""

    type, title, status = "forbidden", "Not allowed", 403


class NotFound(Problem):
    """There is no such thing within reach. What belongs to another entity is answered alike."""

    type, title, status = "not-found", "No such thing", 404


class MethodRefused(Problem):
    """The address exists, the method does not."""

    type, title, status = "method-not-allowed", "This address does not take that method", 405


class Conflict(Problem):
    """The state of things does not allow it: stock is short, a document has moved on, the same thing exists already."""

    type, title, status = "conflict", "The present state does not allow it", 409


class KeyExpired(Conflict):
    """The `Idempotency-Key` was used more than 30 days ago: its effect stands, its answer is no longer kept."""

    type, title = "idempotency-key-expired", "This Idempotency-Key was used too long ago"


class TooLarge(Problem):
    """The body is longer than this door takes. Send less at once."""

    type, title, status = "too-large", "The body is too large", 413


class WrongMedia(Problem):
    """The body is not of a media type that this door takes."""

    type, title, status = "wrong-media-type", "This media type is not taken", 415


class Invalid(Problem):
    """The request can be read, but fields are wrong; `errors` names each with what is the matter."""

    type, title, status = "invalid", "Fields are wrong", 422


class KeyReused(Invalid):
    """The `Idempotency-Key` was used before, for another body."""

    type, title = "idempotency-key-reused", "This Idempotency-Key belongs to another body"


class ImportRefused(Invalid):
    """A file was not imported, none of its rows: `errors` names row, column and value."""

    type, title = "import-refused", "Nothing was imported"

    def __init__(self, report: ImportReport) -> None:
        self.report = report
        errors = [field_error(error.column, error.message, error.value) | {"row": error.row} for error in report.errors]
        super().__init__(f"{len(errors)} errors in {report.rows} rows", errors=errors, rows=report.rows)


class Declined(Problem):
    """HTTP's own refusals that have no type of their own here; `status` and `title` say which."""

    type, title, status = "declined", "Declined", 400

    def __init__(self, status: int, title: str, detail: str = "") -> None:
        super().__init__(detail)
        self.status, self.title = status, title


class TooMany(Problem):
    """More requests than the limit of this caller. Wait for the seconds in `Retry-After`."""

    type, title, status = "too-many", "Too many requests", 429


class Unexpected(Problem):
    """A fault of ours. The request id finds it in the logs; nothing was changed."""

    type, title, status = "unexpected", "Something went wrong here", 500


class Unavailable(Problem):
    """A service we need does not answer, or all connections are busy. Send the same again, under the same key."""

    type, title, status = "unavailable", "Not available just now", 503

    def __init__(self, detail: str = "", *, retry_after: int = 1, **extra: Any) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)}, **extra)


class AddonFailed(Problem):
    """An add-on failed in a hook that this request came to. Nothing was changed; the page Apps tells its administrators."""

    type, title, status = "addon-failed", "An add-on failed", 500


class AddonTooSlow(Unavailable):
    """An add-on took too long in a hook, and the database cut it off. Nothing was changed: send the same again."""

    type, title = "addon-too-slow", "An add-on took too long"


def field_error(field: str, message: str, value: object = None) -> FieldError:
    """Name a field at fault by its path (`lines[2].quantity`), what is the matter, and what was given, cut short."""
    error: FieldError = {"field": field, "message": message}
    if value is not None and value != "":
        shown = str(value)
        error["value"] = shown if len(shown) <= SHOWN_CHARACTERS_MAX else shown[:SHOWN_CHARACTERS_MAX] + "…"
    return error


def catalogue(root: type[Problem] = Problem) -> dict[str, type[Problem]]:
    """Return every problem type known to this process, add-ons' included, by its slug."""
    found: dict[str, type[Problem]] = {}
    for kind in root.__subclasses__():
        found.setdefault(kind.type, kind)
        found |= {slug: sub for slug, sub in catalogue(kind).items() if slug not in found}
    return found
