"""The database login of web, worker and scheduler must not be able to pass the walls it relies on."""

from sqlalchemy import Engine, text

__all__ = ["UnsafeLogin", "verify_login_role"]

# The login itself, and every role it may switch to. A superuser may switch to all: one line suffices for it.
QUESTION = """
SELECT r.rolname, session_user, r.rolsuper, r.rolbypassrls, r.rolcreaterole,
  (SELECT count(*) FROM pg_class c WHERE c.relowner = r.oid)
FROM pg_roles r
WHERE r.rolname = session_user
  OR (pg_has_role(session_user, r.oid, 'MEMBER') AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = session_user))
ORDER BY r.rolname = session_user DESC, r.rolname
"""


class UnsafeLogin(Exception):
    """DATABASE_URL logs in as a role for which row-level security would not hold."""


def verify_login_role(engine: Engine) -> None:
    """Raise UnsafeLogin when the login could pass row-level security, by itself or as a role it may switch to.

    That is whoever is a superuser, bypasses row-level security, makes roles, or owns any table.
    """
    with engine.connect() as connection:
        roles = connection.execute(text(QUESTION)).all()
    faults: list[str] = []
    for name, login, is_super, bypasses, makes_roles, owned in roles:
        found = [fault for fault, is_so in (
            ("is a superuser", is_super),
            ("bypasses row-level security", bypasses),
            ("may make roles", makes_roles),
            (f"owns {owned} relations", owned),
        ) if is_so]  # fmt: skip
        faults += found if name == login else [f"may become {name}, which {fault}" for fault in found]
    if faults:
        raise UnsafeLogin(
            f"DATABASE_URL logs in as {roles[0].session_user!r}, which {' and '.join(faults)}. Let it log in as "
            "onhand_app (made by `onhand migrate`, which alone uses ONHAND_OWNER_DATABASE_URL)."
        )
