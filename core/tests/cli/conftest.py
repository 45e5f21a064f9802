import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

SITE = str(Path(__file__).parent.parent / "access" / "site")
if SITE not in sys.path:
    sys.path.insert(0, SITE)

from access_site import ADDONS, access_app, access_services, site  # noqa: E402, F401
from onhand.addons import Installed  # noqa: E402
from onhand.cli import main  # noqa: E402


@pytest.fixture
def environment(access_services, monkeypatch):  # noqa: F811
    """The environment of commands that work on the tests' services, with one small add-on installed."""
    for name, value in access_services.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SECRET_KEY", "only for tests, and long enough for the doctor")
    monkeypatch.setenv("ONHAND_PASSWORD_COST", "cheap")
    monkeypatch.setattr("onhand.app.survey", lambda: Installed(tuple(ADDONS)))


@pytest.fixture
def onhand(environment):
    """Run a command line and return its result."""

    def call(*words, given=None):
        return CliRunner().invoke(main, [str(word) for word in words], input=given, prog_name="onhand")

    return call
