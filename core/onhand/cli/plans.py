"""How the command line tells what a change of enablement would do, or has done."""

from collections.abc import Iterator, Mapping, Sequence

import click

from onhand.cli.output import show
from onhand.enablement import Plan

__all__ = ["show_plans"]

VERBS = {"enabled": "enable", "draining": "drain", "disabled": "disable"}
REACHES = {
    "enabled": "switches on",
    "draining": "keeps, taking no new work",
    "disabled": "switches off, keeping its data",
}


def show_plans(plans: Sequence[Plan], codes: Mapping[int, str], *, as_json: bool, is_done: bool) -> None:
    """Print plans: as a JSON list, or in words; `codes` names entities by their id."""
    if as_json:
        show([_document(plan, codes) for plan in plans], as_json=True)
        return
    for plan in plans:
        for line in _lines(plan, codes[plan.change.entity_id], is_done=is_done):
            click.echo(line)


def _document(plan: Plan, codes: Mapping[int, str]) -> dict[str, object]:
    wish = plan.change
    return {
        "entity_id": wish.entity_id,
        "entity": codes[wish.entity_id],
        "addon": wish.addon,
        "state": wish.state,
        "effective_from": wish.effective_from,
        "needs": list(plan.needs),
        "switches": [f"{hook}: {', '.join(names)}" for hook, names in plan.switches.items()],
        "refusals": list(plan.refusals),
    }


def _lines(plan: Plan, code: str, *, is_done: bool) -> Iterator[str]:
    wish = plan.change
    when = f"from {wish.effective_from.isoformat(sep=' ', timespec='minutes')} on" if wish.effective_from else "now"
    if is_done:
        yield f"{code}: {wish.addon} is {wish.state} {when}"
        return
    yield f"{code}: {VERBS[wish.state]} {wish.addon} {when}" + (" — refused" if plan.refusals else "")
    yield from (f"  because {reason}" for reason in plan.refusals)
    if plan.needs:
        yield f"  --with-requirements enables {', '.join(plan.needs)} too"
    if plan.switches:
        yield f"  {REACHES[wish.state]}:"
        yield from (f"    {hook.replace('_', ' ')}: {', '.join(names)}" for hook, names in plan.switches.items())
