"""The commands of "How to send events" are run, and answer what the page says they answer."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from onhand.testing.distribution import with_requirements
from onhand_channels.testing import make_channel
from onhand_master_data.testing import gtin_of, make_item, make_location

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "send-events.md"
STEP = re.compile(r"```sh\n(curl .*?)```\s+```json\n(.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def addons():
    return with_requirements({"channels"})


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_page_does_what_it_says(server, transact, entities, token) -> None:
    a, _ = entities

    def open_shop(session, now):
        shop = make_location(session, now, a.id, code="S1")
        make_channel(session, now, a.id, shop.id, code="till-1")
        make_item(session, now, a.id, sku="TEA", gtin=gtin_of(400638133393))

    transact(open_shop)
    secrets = {
        "TOKEN": token(a, "channels.post_events", source="till-1"),
        "CLERK": token(a, "channels.replay"),
    }
    environment = {"PATH": os.environ["PATH"], "SITE": server.url, **secrets}
    steps = STEP.findall(PAGE.read_text())
    assert len(steps) == 4
    for command, answer in steps:
        if "replay" in command:
            transact(lambda session, now: make_item(session, now, a.id, sku="COFFEE"))
        done = subprocess.run(["/bin/sh", "-c", command], env=environment, capture_output=True, text=True, check=True)
        assert json.loads(done.stdout) == json.loads(answer)
