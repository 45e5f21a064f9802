"""The group of all commands: the core's own, loaded when called, and those that add-ons contribute."""

from collections.abc import Callable
from copy import copy
from functools import wraps
from importlib import import_module
from typing import Any, TypeVar

import click

from onhand import __version__
from onhand.cli.exits import explained

__all__ = ["Commands", "alone", "main"]

F = TypeVar("F", bound=Callable[..., Any])
OWN = {
    "addon": "onhand.cli.addon:addon",
    "audit": "onhand.cli.audit:audit",
    "dev": "onhand.cli.processes:dev",
    "doctor": "onhand.cli.doctor:doctor",
    "entity": "onhand.cli.entity:entity",
    "export": "onhand.cli.exports:export_file",
    "import": "onhand.cli.imports:import_file",
    "job": "onhand.jobs.commands:job",
    "migrate": "onhand.cli.migrate:migrate",
    "policy": "onhand.cli.policy:policy",
    "scheduler": "onhand.cli.processes:scheduler",
    "serve": "onhand.cli.processes:serve",
    "token": "onhand.cli.token:token",
    "user": "onhand.cli.user:user",
    "worker": "onhand.cli.processes:worker",
}
IN_SITE = frozenset({"job"})


def alone(command: F) -> F:
    """Mark a contributed command's function that brings its own services; others are called inside the application."""
    command.onhand_alone = True  # type: ignore[attr-defined]  # marked for us
    return command


class Commands(click.Group):
    """`onhand`: nothing is imported but what the called command needs, and no service is asked before it runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click hands it in
        """Return the names of all commands."""
        return sorted({*OWN, *_contributed()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click hands it in
        """Return a command by its name; the core's own win over an add-on's."""
        if cmd_name in OWN:
            module, _, attribute = OWN[cmd_name].partition(":")
            command: click.Command = getattr(import_module(module), attribute)
            return _in_site(command) if cmd_name in IN_SITE else command
        found = _contributed().get(cmd_name)
        return None if found is None else _in_site(found)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what it refuses or misses becomes a message and an exit code."""
        with explained():
            return super().invoke(ctx)


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="onhand")
def main() -> None:
    """One ledger, one promise, every exception owned."""


def _contributed() -> dict[str, click.Command]:
    """Return what add-ons contribute; a broken one takes away its own commands, nobody else's."""
    from onhand.addons.registry import load
    from onhand.app import surveyed
    from onhand.config import Settings

    try:
        addons = load(surveyed(Settings.from_environment()))
    except Exception as error:  # the commands that would mend it must stay
        click.echo(f"add-ons cannot be loaded ({error}): `onhand doctor` says more", err=True)
        return {}
    for fault in addons.faults:
        click.echo(str(fault), err=True)
    return {str(command.name): command for command in addons.gather("commands")}


def _in_site(command: click.Command) -> click.Command:
    """Return a copy of a command, or of a group and each of its commands, whose functions run inside the application.

    A copy, since the command itself belongs to who wrote it and may be called where a site is at hand.
    """
    copied = copy(command)
    if isinstance(command, click.Group) and isinstance(copied, click.Group):
        copied.commands = {name: _in_site(inner) for name, inner in command.commands.items()}
    elif command.callback is not None and not hasattr(command.callback, "onhand_alone"):
        copied.callback = _with_site(command.callback)
    return copied


def _with_site(function: Callable[..., Any]) -> Callable[..., Any]:
    from onhand.cli.site import site

    @wraps(function)
    def inside(*args: Any, **kwargs: Any) -> Any:
        with site():
            return function(*args, **kwargs)

    return inside
