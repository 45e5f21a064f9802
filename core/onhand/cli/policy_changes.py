"""`onhand policy set`, `rollback`, `undo`, `cancel`, `backtest` and `profile`."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import click
from sqlalchemy.orm import Session

from onhand.cli.asking import at_option, operator
from onhand.cli.exits import Refused
from onhand.cli.output import as_json_option, console, done, show
from onhand.cli.policy import policy, where_options
from onhand.cli.site import site

__all__: list[str] = []

ENDED = "-"
reason_option = click.option("--reason", metavar="TEXT", help="Why, for whoever reads the history.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Say what would change, keep nothing.")


@policy.command("set")
@click.argument("name")
@click.argument("value")
@where_options
@at_option
@click.option(
    "--when", "condition", metavar="CEL", help="Only where this holds: a condition over the policy's variables."
)
@click.option(
    "--replaces", type=int, metavar="VERSION", help="Takes the place of this version, which is still to come."
)
@reason_option
@dry_run_option
@as_json_option
def set_value(
    name: str,
    value: str,
    effective_from: datetime | None,
    condition: str | None,
    replaces: int | None,
    reason: str | None,
    dry_run: bool,
    as_json: bool,
    **codes: str | None,
) -> None:
    """Set a value for a place, from now or a later moment on; `-` ends what was set there. History stands."""
    from onhand.policies.places import where_of
    from onhand.policies.services import PolicyChange, policy_type
    from onhand.policies.values import from_text

    def change(session: Session, _: datetime) -> PolicyChange:
        kind = policy_type(session, name)
        typed = None if value == ENDED else from_text(kind, value)
        where = where_of(session, codes, name)
        return PolicyChange(name, typed, where, effective_from, condition, replaces)

    _carry_out(change, reason, dry_run=dry_run, as_json=as_json)


@policy.command("rollback")
@click.argument("name")
@click.argument("version", type=int)
@reason_option
@dry_run_option
@as_json_option
def roll_back(name: str, version: int, reason: str | None, dry_run: bool, as_json: bool) -> None:
    """Set again what an older version said, at its place, from now on. It becomes a new version."""
    from onhand.policies.changes import rollback

    why = reason or f"back to version {version}"
    _carry_out(lambda session, _: rollback(session, name, version), why, dry_run=dry_run, as_json=as_json)


@policy.command("undo")
@click.argument("name")
@click.argument("version", type=int)
@reason_option
@dry_run_option
@as_json_option
def undo(name: str, version: int, reason: str | None, dry_run: bool, as_json: bool) -> None:
    """Take back the version in force: what was said at its place before it holds again, or nothing where nothing was."""
    from onhand.policies.changes import taking_back

    def change(session: Session, now: datetime) -> Any:
        return taking_back(session, name, version, now=now)

    why = reason or f"version {version} taken back"
    _carry_out(change, why, dry_run=dry_run, as_json=as_json)


@policy.command("cancel")
@click.argument("name")
@click.argument("version", type=int)
@reason_option
@dry_run_option
@as_json_option
def cancel(name: str, version: int, reason: str | None, dry_run: bool, as_json: bool) -> None:
    """Cancel a version that is still to come. It stays in the history, with the one that cancelled it."""
    from onhand.policies.changes import cancellation

    def change(session: Session, now: datetime) -> Any:
        return cancellation(session, name, version, now=now)

    _carry_out(change, reason, dry_run=dry_run, as_json=as_json)


@policy.command("backtest")
@click.argument("name")
@click.argument("value")
@where_options
@click.option("--when", "condition", metavar="CEL", help="Only where this holds.")
@click.option("--days", type=click.IntRange(1, 90), default=7, show_default=True, help="How far to look back.")
@as_json_option
def backtest_value(name: str, value: str, condition: str | None, days: int, as_json: bool, **codes: str | None) -> None:
    """Replay recorded decisions as if a value had been set: what would have been decided differently. Changes nothing."""
    import psycopg

    from onhand.policies.backtesting import SECONDS_MAX, Tried, backtest
    from onhand.policies.documents import tried_document
    from onhand.policies.places import where_of
    from onhand.policies.services import PolicyChange, checked_change, policy_type
    from onhand.policies.values import from_text
    from onhand.transaction import every_entity, run

    def command(session: Session, now: datetime) -> list[Tried]:
        kind = policy_type(session, name)
        typed = None if value == ENDED else from_text(kind, value)
        wish = PolicyChange(name, typed, where_of(session, codes, name), condition=condition)
        return backtest(session, [checked_change(session, wish, now=now)], now=now, days=days)

    with site(), console.status(f"replaying {days} days"):
        try:
            tried = run(command, entities=every_entity())
        except psycopg.errors.QueryCanceled:
            raise Refused(f"looking back {days} days takes longer than {SECONDS_MAX} s: ask for fewer") from None
    if as_json:
        done({"name": name, "days": days, "tests": [tried_document(each) for each in tried]}, "", as_json=True)
        return
    if not tried:
        click.echo(f"no installed add-on records decisions that {name} takes")
    for each in tried:
        result = each.result
        click.echo(f"{each.test.label}: {result.different} of {result.examined} would have been decided differently")
        rows = [{"decision": row.label, "was": row.before, "would be": row.after} for row in result.rows]
        show(rows, as_json=False)
        for note in result.notes:
            click.echo(note)


@policy.command("profile")
@click.argument("name", required=False)
@click.option("--entity", metavar="CODE", help="The entity to compare with the profile, or to bring to it.")
@click.option("--apply", "is_applied", is_flag=True, help="Set what differs, as one change.")
@reason_option
@as_json_option
def profile(name: str | None, entity: str | None, is_applied: bool, reason: str | None, as_json: bool) -> None:
    """List profiles, or tell what one would change in an entity, and with --apply set that."""
    from onhand.policies.places import where_of
    from onhand.policies.profiles import profile_changes, profile_diff, profiles
    from onhand.policies.proposing import propose
    from onhand.transaction import every_entity, run

    if name is not None and entity is None:
        raise click.UsageError("say --entity: a profile is set for one")

    def command(session: Session, now: datetime) -> list[dict[str, Any]]:
        if name is None:
            return [
                {"profile": each.name, "label": each.label, "policies": len(each.values), "about": each.help}
                for each in profiles(session).values()
            ]
        entity_id = where_of(session, {"entity": entity}).entity_id or 0
        diff = profile_diff(session, name, entity_id, now=now)
        changes = profile_changes(diff, entity_id)
        rows = [
            {"policy": one.kind.name, "before": one.before, "after": one.after, "differs": one.differs}
            for one in diff.lines
        ] + [
            {"policy": policy, "before": f"left out: {because}", "after": None, "differs": False}
            for policy, because in diff.skipped
        ]  # fmt: skip
        if is_applied and changes:
            why = reason or f"profile {diff.profile.label}"
            propose(session, changes, by=operator(), now=now, reason=why, title=f"Profile {diff.profile.label}")
        return rows

    with site():
        rows = run(command, entities=every_entity())
    show(rows, as_json=as_json, none="nothing to set")


def _carry_out(
    change: Callable[[Session, datetime], Any], reason: str | None, *, dry_run: bool, as_json: bool
) -> None:  # fmt: skip
    from onhand.policies.explaining import why
    from onhand.policies.proposing import propose
    from onhand.policies.services import checked_change
    from onhand.policies.values import shown
    from onhand.rehearsal import rehearse
    from onhand.transaction import every_entity, run

    def command(session: Session, now: datetime) -> dict[str, Any]:
        wish = checked_change(session, change(session, now), now=now)
        since = max(wish.effective_from or now, now)
        found = why(session, wish.policy, wish.where, at=since)
        done = propose(session, [wish], by=operator(), now=now, reason=reason)
        return {
            "name": wish.policy,
            "version": done.versions[0] if done.versions and not dry_run else None,
            "approval": None if dry_run else str(done.approval),
            "waiting_for": list(done.roles),
            "place": found.place,
            "before": found.value,
            "value": wish.value,
            "said": shown(found.kind, wish.value),
            "effective_from": since,
            "dry_run": dry_run,
        }

    with site():
        outcome = rehearse(lambda command: run(command, entities=every_entity()), command, dry_run=dry_run)
    said = outcome.pop("said")
    number = "would be" if dry_run else f"is (version {outcome['version']})"
    if outcome["waiting_for"]:
        number = f"waits for {', then '.join(outcome['waiting_for'])} to be"
    message = (
        f"{outcome['name']} {number} {said} at {outcome['place']}, from {outcome['effective_from'].isoformat()} on"
    )
    done(outcome, message, as_json=as_json)
