"""The commands of "How to hold stock" are run, and answer what the page says they answer."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from onhand.testing.distribution import with_requirements
from onhand_channels.testing import make_channel
from onhand_master_data.testing import make_item, make_location
from onhand_stock.testing import receive

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "hold-stock.md"
STEP = re.compile(r"```sh\n(curl .*?)```\s+```json\n(.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def addons():
    return with_requirements({"reservations"})


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_page_does_what_it_says(server, transact, entities, token) -> None:
    a, _ = entities

    def open_shop(session, now):
        shop = make_location(session, now, a.id, code="S1")
        make_channel(session, now, a.id, shop.id, code="web-1")
        receive(session, now, a.id, shop.id, {make_item(session, now, a.id, sku="TEA").id: 5})

    transact(open_shop)
    secret = token(a, "reservations.hold", "reservations.read", source="web-1")
    environment = {"PATH": os.environ["PATH"], "SITE": server.url, "TOKEN": secret}
    steps = STEP.findall(PAGE.read_text())
    assert len(steps) == 7
    for command, answer in steps:
        done = subprocess.run(["/bin/sh", "-c", command], env=environment, capture_output=True, text=True, check=True)
        told = json.loads(done.stdout)
        environment["HOLD"] = told.get("id") or environment.get("HOLD", "")
        expected = json.loads(answer)
        assert told == {name: told[name] if value == "…" else value for name, value in expected.items()}
