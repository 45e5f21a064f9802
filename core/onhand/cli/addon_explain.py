"""`onhand addon explain`: which hooks a verb comes to for an entity, and who answers there."""

from datetime import datetime
from typing import Any

import click
from sqlalchemy.orm import Session

from onhand.cli.asking import entity_ids, entity_option
from onhand.cli.exits import Refused
from onhand.cli.output import as_json_option, show
from onhand.cli.site import site

__all__ = ["explain"]


@click.command()
@click.argument("verb")
@entity_option(help="Whose chain it is: add-ons that are off there are not asked.")
@as_json_option
def explain(verb: str, entity: str, as_json: bool) -> None:
    """Print the chain of hooks of a verb, `stock.post` say, or of one hook, as it is resolved for an entity now.

    In the order of the code: which hook, of which kind, which add-ons implement it and where, and whether each is asked
    for this entity. Hooks that are reached only on some ways through the verb are listed like the others.
    """
    from onhand.addons.chains import UnknownVerb, chain_of
    from onhand.transaction import context, run

    def command(session: Session, now: datetime) -> list[dict[str, Any]]:
        addons = context(session).addons
        [entity_id] = entity_ids(session, (entity,))
        rows = []
        for number, link in enumerate(chain_of(addons, verb), 1):
            for noun, where in link.implementers or (("", ""),):
                state = addons.state(entity_id, noun, now) if noun else "nobody"
                rows.append(
                    {
                        "step": number,
                        "hook": link.hook,
                        "kind": link.kind,
                        "add-on": noun,
                        "where": where,
                        "state": state,
                        "asked": bool(noun) and (state != "disabled" or not link.per_entity),
                        "when": link.said,
                    }
                )
        return rows

    with site():
        try:
            rows = run(command, entities=())
        except UnknownVerb as unknown:
            raise Refused(str(unknown.args[0])) from unknown
    if not as_json:
        rows = [{name: value for name, value in row.items() if name != "when"} for row in rows]
    show(rows, as_json=as_json, none=f"{verb} comes to no hook")
