"""`onhand user`: the people of the site."""

import secrets
import sys
from collections.abc import Sequence

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from onhand.cli.asking import entity_ids, entity_option, operator
from onhand.cli.exits import Refused
from onhand.cli.output import as_json_option, done, show
from onhand.cli.site import site

__all__ = ["user", "user_id_of"]

PASSWORD_BYTES = 12


@click.group()
def user() -> None:
    """People: create, list, shut out and let in, set a password."""


password_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input; else one is made up and printed."
)


@user.command()
@click.argument("username")
@click.option("--name", help="The person's name; the user name if not given.")
@click.option("--role", "roles", multiple=True, metavar="CODE", help="May be repeated, say admin or clerk.")
@entity_option(many=True, required=False, help="Where the roles hold, may be repeated; without, in the whole group.")
@password_option
@as_json_option
def create(
    username: str,
    name: str | None,
    roles: tuple[str, ...],
    entities: tuple[str, ...],
    password_stdin: bool,
    as_json: bool,
) -> None:
    """Add a person with roles."""
    from onhand.access.passwords import hasher
    from onhand.access.services import NewUser, RoleAt, create_users
    from onhand.transaction import every_entity, run

    password, is_made_up = _password(password_stdin)
    with site():
        password_hash = hasher().hash(password)

        def places(session: Session) -> Sequence[int | None]:
            return entity_ids(session, entities) if entities else [None]

        user_id = run(
            lambda session, now: (
                create_users(
                    session,
                    [
                        NewUser(
                            username,
                            name or username,
                            password_hash,
                            tuple(RoleAt(role, place) for role in roles for place in places(session)),
                        )
                    ],
                    by=operator(),
                    now=now,
                )[0].id
            ),
            entities=every_entity(),
        )
    document = {"id": user_id, "username": username.lower()} | ({"password": password} if is_made_up else {})
    shown = f", password {password}" if is_made_up else ""
    done(document, f"{username.lower()} may sign in{shown}", as_json=as_json)


@user.command("list")
@as_json_option
def list_users(as_json: bool) -> None:
    """List people and their roles."""
    from onhand.db import cursor
    from onhand.transaction import run

    columns = ("id", "username", "name", "active", "locked_until", "roles")
    with site():
        rows = run(
            lambda session, _: [
                dict(zip(columns, row, strict=True)) for row in cursor(session).execute(LISTED).fetchall()
            ],
            entities=(),
        )
    show(rows, as_json=as_json, none="nobody yet: onhand user create NAME --role admin")


@user.command()
@click.argument("username")
@click.option("--reason", help="Kept in the audit trail.")
def disable(username: str, reason: str | None) -> None:
    """Shut a person out: sessions and tokens end with it."""
    _set_active(username, False, reason)


@user.command()
@click.argument("username")
@click.option("--reason", help="Kept in the audit trail.")
def enable(username: str, reason: str | None) -> None:
    """Let a person in again."""
    _set_active(username, True, reason)


@user.command()
@click.argument("username")
@password_option
@as_json_option
def password(username: str, password_stdin: bool, as_json: bool) -> None:
    """Set a new password; ends the person's sessions and lifts a lock."""
    from onhand.access.passwords import hasher
    from onhand.access.services import change_password
    from onhand.transaction import run

    chosen, is_made_up = _password(password_stdin)
    with site():
        password_hash = hasher().hash(chosen)
        run(
            lambda session, now: change_password(
                session, user_id_of(session, username), password_hash, by=operator(), now=now
            ),
            entities=(),
        )
    document = {"username": username.lower()} | ({"password": chosen} if is_made_up else {})
    done(document, f"new password: {chosen}" if is_made_up else "done", as_json=as_json)


def user_id_of(session: Session, username: str) -> int:
    """Return a person's id by user name; Refused when there is none."""
    from onhand.access.models import User

    found = session.scalar(select(User.id).where(User.username == username.lower()))
    if found is None:
        raise Refused(f"there is no user {username!r}")
    return found


def _set_active(username: str, active: bool, reason: str | None) -> None:
    from onhand.access.services import set_active
    from onhand.transaction import run

    with site():
        run(
            lambda session, now: set_active(
                session, user_id_of(session, username), active, by=operator(), now=now, reason=reason
            ),
            entities=(),
        )
    click.echo(f"{username.lower()} {'may sign in again' if active else 'is shut out'}")


def _password(from_stdin: bool) -> tuple[str, bool]:
    from onhand.access.passwords import PASSWORD_CHARACTERS_MIN

    if not from_stdin:
        return secrets.token_urlsafe(PASSWORD_BYTES), True
    given = sys.stdin.readline().rstrip("\n")
    if len(given) < PASSWORD_CHARACTERS_MIN:
        raise Refused(f"a password has at least {PASSWORD_CHARACTERS_MIN} characters")
    return given, False


LISTED = """
SELECT u.id, u.username, u.name, u.active, u.locked_until,
  coalesce(array_agg(r.code || coalesce('@' || e.code, '') || coalesce('/' || ur.location_id, '') ORDER BY r.code)
           FILTER (WHERE r.id IS NOT NULL), '{}')
FROM onhand."user" u LEFT JOIN onhand.user_role ur ON ur.user_id = u.id LEFT JOIN onhand.role r ON r.id = ur.role_id
  LEFT JOIN onhand.entity e ON e.id = ur.entity_id
GROUP BY u.id ORDER BY u.username
"""
