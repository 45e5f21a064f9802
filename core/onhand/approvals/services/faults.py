"""What is wrong with a request, whatever the rules say."""

from collections.abc import Mapping

from onhand.approvals.kinds import ApprovalRequest
from onhand.approvals.services.outcomes import Refused
from onhand.approvals.services.weighing import kind_and_field
from onhand.contributions import ApprovalKind

__all__ = ["fault"]

TEXT_CHARACTERS_MAX = 2_000
KEY_CHARACTERS_MAX = 255
LINES_MAX = 200
NUMBER_MAX = 2**63 - 1


def fault(request: ApprovalRequest, kinds: Mapping[str, ApprovalKind]) -> Refused | None:
    """Return why a request cannot be taken up; None when it can."""
    if request.kind not in kinds:
        here = ", ".join(sorted(kinds)) or "none"
        return Refused("unknown_kind", f"there is no kind of approval {request.kind!r} here; there are: {here}")
    if unknown := [name for name in request.fields if not _is_known(name, kinds)]:
        return Refused("invalid", f"no kind of approval has a field {unknown[0]!r}")
    for name in ("title", "key"):
        if not getattr(request, name).strip():
            return Refused("invalid", f"{name} is empty")
    if len(request.key) > KEY_CHARACTERS_MAX:
        return Refused("invalid", f"key is longer than {KEY_CHARACTERS_MAX} characters")
    for name in ("title", "note", "subject", "location"):
        if len(getattr(request, name) or "") > TEXT_CHARACTERS_MAX:
            return Refused("invalid", f"{name} is longer than {TEXT_CHARACTERS_MAX} characters")
    for name in ("quantity", "amount_minor", "atp_before", "atp_after"):
        if abs(getattr(request, name) or 0) > NUMBER_MAX:
            return Refused("invalid", f"{name} is beyond {NUMBER_MAX}")
    if (request.amount_minor is None) != (request.currency is None):
        return Refused("invalid", "amount_minor and currency go together: give both or neither")
    if request.location_id is not None and request.entity_id is None:
        return Refused("invalid", "a location needs its entity")
    if len(request.changes) > LINES_MAX or len(request.evidence) > LINES_MAX:
        return Refused("invalid", f"more than {LINES_MAX} lines of changes or evidence")
    return None


def _is_known(name: str, kinds: Mapping[str, ApprovalKind]) -> bool:
    kind, field = kind_and_field(kinds, name)
    return kind in kinds and (field is None or field in dict(kinds[kind].fields))
