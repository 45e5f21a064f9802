"""What people call the authors of what is kept."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from onhand.access.models import ApiToken, User

__all__ = ["actor_names"]


def actor_names(session: Session, refs: Collection[str]) -> dict[str, str]:
    """Return what people call authors by their stored form, `user:12` or `token:5`; the system's are left out."""
    names: dict[str, str] = {}
    for kind, model in (("user", User), ("token", ApiToken)):
        ids = [int(ref.removeprefix(f"{kind}:")) for ref in refs if ref.startswith(f"{kind}:")]
        rows = session.execute(select(model.id, model.name).where(model.id.in_(ids))) if ids else ()
        names |= {f"{kind}:{id_}": str(name) for id_, name in rows}
    return names
