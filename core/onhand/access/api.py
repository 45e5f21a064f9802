"""Access: who asks, what they may do where, and which routes let them."""

from onhand.access.doors import UndeclaredRoute, hot, public, requires, sensitive
from onhand.access.guards import (
    actor,
    admit_bearer,
    current_entity,
    in_scope,
    principal,
    principal_or_none,
    scope,
    switch_to,
)
from onhand.access.login import log_in, log_out
from onhand.access.names import actor_names
from onhand.access.principal import Principal
from onhand.access.setup import init_app
from onhand.access.state import declared_permissions, doors, require_declarations

__all__ = [
    "Principal", "UndeclaredRoute", "actor", "actor_names", "admit_bearer", "current_entity", "declared_permissions", "doors", "hot",
    "in_scope", "init_app", "log_in", "log_out", "principal", "principal_or_none", "public", "require_declarations",
    "requires", "scope", "sensitive", "switch_to",
]  # fmt: skip
