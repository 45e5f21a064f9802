"""How hard the properties try: a little in CI, as much as you like with PROPERTIES_EFFORT=20."""

import os
from typing import Any

from hypothesis import HealthCheck, settings

__all__ = ["effort"]

EFFORT = float(os.environ.get("PROPERTIES_EFFORT", "1"))
FINE = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


def effort(examples: int, **more: Any) -> settings:
    """Return settings for so many examples in CI; every example is made of new items, so they may share the shop."""
    return settings(
        max_examples=max(int(examples * EFFORT), 1),
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=FINE,
        **more,
    )
