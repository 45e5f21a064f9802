"""`onhand token`: what programs log in with."""

from datetime import timedelta

import click

from onhand.cli.asking import entity_ids, entity_option, operator
from onhand.cli.output import as_json_option, done, show
from onhand.cli.site import site

__all__ = ["token"]


@click.group()
def token() -> None:
    """Tokens of programs: create, list, revoke."""


@token.command()
@entity_option(required=False, help="The entity it reaches; without, all of them.")
@click.option("--permission", "permissions", multiple=True, required=True, metavar="NAME", help="May be repeated.")
@click.option("--source", metavar="CHANNEL", help="The channel or source system it speaks for.")
@click.option("--user", "username", metavar="NAME", help="The person it acts for, whose rights it cannot exceed.")
@click.option("--name", default="cli", show_default=True, help="What people call it.")
@click.option("--days", type=click.IntRange(1, 3_650), default=90, show_default=True, help="How long it is good for.")
@as_json_option
def create(
    entity: str | None,
    permissions: tuple[str, ...],
    source: str | None,
    username: str | None,
    name: str,
    days: int,
    as_json: bool,
) -> None:
    """Issue a token and print it, this once."""
    from onhand.access import declared_permissions
    from onhand.access.tokens import TokenRequest, issue
    from onhand.cli.user import user_id_of
    from onhand.transaction import every_entity, run

    with site():
        declared = declared_permissions()
        issued = run(
            lambda session, now: issue(
                session,
                [
                    TokenRequest(
                        name=name,
                        entity_id=entity_ids(session, [entity])[0] if entity else None,
                        permissions=permissions,
                        source=source,
                        user_id=user_id_of(session, username) if username else None,
                        lifetime=timedelta(days=days),
                    )
                ],
                declared,
                by=operator(),
                now=now,
            ),
            entities=every_entity(),
        )[0]
    document = {"token": issued.secret, "id": issued.id, "expires_at": issued.expires_at}
    done(document, issued.secret, as_json=as_json)


@token.command("list")
@as_json_option
def list_tokens(as_json: bool) -> None:
    """List tokens, newest first; their secrets are not kept."""
    from onhand.access.tokens import tokens
    from onhand.transaction import run

    with site():
        rows = run(
            lambda session, _: [
                {
                    "id": row.id,
                    "name": row.name,
                    "prefix": row.prefix,
                    "entity_id": row.entity_id,
                    "user_id": row.user_id,
                    "source": row.source,
                    "permissions": row.permissions,
                    "expires_at": row.expires_at,
                    "revoked_at": row.revoked_at,
                }
                for row in tokens(session)
            ],
            entities=(),
        )
    show(rows, as_json=as_json, none="no tokens")


@token.command()
@click.argument("ids", type=int, nargs=-1, required=True)
@click.option("--reason", help="Kept in the audit trail.")
@as_json_option
def revoke(ids: tuple[int, ...], reason: str | None, as_json: bool) -> None:
    """Revoke tokens by their ids. Takes effect everywhere within three seconds."""
    from onhand.access import tokens
    from onhand.transaction import run

    with site():
        ended = run(
            lambda session, now: tokens.revoke(session, ids, by=operator(), now=now, reason=reason), entities=()
        )
    done({"revoked": ended}, f"{len(ended)} of {len(ids)} revoked", as_json=as_json)
