"""`onhand ledger`: verify the books, and explain a number."""

import click

from onhand_stock.commands.explain import explain
from onhand_stock.commands.verify import verify

__all__ = ["ledger"]


@click.group()
def ledger() -> None:
    """Verify the books, and explain a number."""


ledger.add_command(verify)
ledger.add_command(explain)
