"""How channels are looked up where a policy is set for one of them."""

from collections.abc import Collection, Iterable

from onhand.contributions import PolicyPart, PolicyScope
from onhand.transaction import context
from sqlalchemy import select
from sqlalchemy.orm import Session

from onhand_channels.models import Channel
from onhand_channels.services import channels_by_code, channels_of
from onhand_channels.values import ChannelRef

__all__ = ["POLICY_SCOPES"]


def _by_code(session: Session, codes: Collection[str]) -> dict[str, PolicyPart]:
    return {part.code: part for part in _parts(channels_by_code(session, codes))}


def _by_id(session: Session, ids: Collection[int]) -> dict[int, PolicyPart]:
    query = select(Channel.id, Channel.code, Channel.name, Channel.entity_id).where(Channel.id.in_(ids))
    rows = session.execute(query.where(Channel.entity_id.in_(context(session).entities)))
    return {row.id: PolicyPart(*row) for row in rows}


def _choices(session: Session, entity_id: int) -> list[PolicyPart]:
    return _parts(channels_of(session, [entity_id]))


def _parts(channels: Iterable[ChannelRef]) -> list[PolicyPart]:
    return [PolicyPart(each.id, each.code, each.name, each.entity_id) for each in channels]


POLICY_SCOPES = (PolicyScope("channel", "Channel", _by_code, _by_id, _choices),)
