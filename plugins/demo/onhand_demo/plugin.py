"""The demo: a real retailer's year, replayed against a running site."""

from typing import TYPE_CHECKING

from onhand.hooks import hookimpl
from onhand_channels.api import Publisher

from onhand_demo.marketplace import MARKETPLACE

if TYPE_CHECKING:
    from click import Command


@hookimpl
def commands() -> "list[Command]":
    """`onhand demo`."""
    from onhand_demo.command import demo

    return [demo]


@hookimpl
def publishers() -> list[Publisher]:
    """The marketplaces' availability."""
    return [MARKETPLACE]
