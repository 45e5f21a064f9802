"""The commands of "How to work with policies" are run, and answer what the page says they answer."""

import json
import re
import shlex
from decimal import Decimal
from pathlib import Path

import pytest
from onhand.addons import Addons, discover
from onhand.testing.distribution import with_requirements
from onhand_channels.testing import make_channel
from onhand_master_data.testing import make_location

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "policies.md"
STEP = re.compile(r"```sh\n(onhand policy [^\n]*)\n```(?:\s+```json\n(.*?)```)?", re.DOTALL)


@pytest.fixture(scope="module")
def addons():
    return with_requirements({"reservations"})


@pytest.fixture
def onhand(onhand):
    """Run a command line as shown, on this test's site."""
    return lambda line: onhand(*shlex.split(line)[1:])


def test_the_page_does_what_it_says(onhand, onhand_site, superuser) -> None:
    [north] = onhand_site.found(["NORTH"], disabled={})
    superuser("ALTER SEQUENCE onhand.policy_version_id_seq RESTART")

    def open_shop(session, now):
        shop = make_location(session, now, north.id, code="S1")
        make_channel(session, now, north.id, shop.id, code="web-1")

    onhand_site.transact(open_shop)
    steps = STEP.findall(PAGE.read_text())
    assert len(steps) == 9
    for command, answer in steps:
        done = onhand(command)
        assert done.exit_code == 0, f"{command}: {done.output}"
        if answer:
            told, expected = json.loads(done.stdout), json.loads(answer)
            if isinstance(expected, dict):
                expected = {name: told[name] if value == "…" else value for name, value in expected.items()}
            assert told == expected, command
    assert superuser("SELECT count(*) FROM onhand.policy_version WHERE reason = 'profile Grocery'") == [(5,)]


def test_every_number_that_ships_has_both_bounds() -> None:
    kinds = [kind for kind in Addons(discover()).gather("policies") if kind.type in (int, Decimal)]
    assert len(kinds) > 20
    assert [kind.name for kind in kinds if kind.minimum is None or kind.maximum is None] == []
