"""The CloudEvents project's own examples: what is valid is kept, what is not is refused."""

import json
import os
from pathlib import Path

import pytest

FOLDER = Path(
    os.environ.get("ONHAND_CONFORMANCE") or Path(__file__).parent / "../../../../shared/conformance"
).resolve()
FILE = FOLDER / "cloudevents-events.json"


@pytest.fixture(scope="module")
def examples():
    if not FILE.exists():
        pytest.skip(f"{FILE} is not there; set ONHAND_CONFORMANCE to the folder that holds it")
    return json.loads(FILE.read_text())


def test_valid_events_are_kept(examples, shop, superuser):
    for number, told in enumerate(examples["valid"]):
        [answer] = shop.tell({**told, "id": f"{told['id']}-{number}"})
        assert answer.outcome == "parked", told
    bodies = superuser("SELECT body FROM channels.event ORDER BY event_id")
    assert len(bodies) == len(examples["valid"]) > 0


def test_invalid_events_are_refused(examples, shop, kept):
    assert examples["invalid"]
    for name, told in examples["invalid"].items():
        [answer] = shop.tell(told)
        assert answer.outcome == "refused", name
        assert answer.problem["detail"], name
    assert not kept()
