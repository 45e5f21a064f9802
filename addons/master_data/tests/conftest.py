"""What tests of several files stand on."""

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner
from onhand.addons import Installed
from onhand.cli import main


@pytest.fixture
def onhand(site: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run a command line on the test's site and return its result."""
    settings = site.settings
    environment = {
        "DATABASE_URL": settings.database_url,
        "ONHAND_OWNER_DATABASE_URL": settings.owner_database_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": settings.secret_key,
    }
    monkeypatch.setattr("onhand.app.survey", lambda: Installed(site.addons))
    return lambda *words: CliRunner(env=environment).invoke(main, [str(word) for word in words], prog_name="onhand")
