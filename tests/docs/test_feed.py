"""The publisher of the how-to is run as it stands there."""

import re
from pathlib import Path

import httpx
import pytest
from onhand_channels.api import Acknowledged, Failed, Stale, Throttled, Write

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "feed.md"
WRITE = Write(1, 2, "TEA", "S1", 5, 7, 3, "web:1:2:3")


@pytest.mark.parametrize(
    ("status", "body", "headers", "answer"),
    [
        (200, {}, {}, Acknowledged()),
        (409, {"quantity": 4}, {}, Stale(4)),
        (429, {}, {"Retry-After": "30"}, Throttled(30.0)),
        (404, {}, {}, Failed("unknown_item", "add TEA to the shop, then have it sent again", is_final=True)),
        (500, {}, {}, Failed("refused", "the shop answered 500")),
    ],
)
def test_the_example_of_the_how_to_publishes(monkeypatch, status, body, headers, answer) -> None:
    asked = []

    def post(url, **sent):
        asked.append(sent)
        return httpx.Response(status, json=body, headers=headers)

    monkeypatch.setattr(httpx, "post", post)
    [example] = [
        block for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL) if "def publish(" in block
    ]
    names: dict = {}
    exec(compile(example, str(PAGE), "exec"), names)
    assert names["publish"](None, [WRITE]) == [answer]
    [sent] = asked
    assert sent["json"] == {"sku": "TEA", "location": "S1", "quantity": 5, "compare": 7}
    assert sent["headers"] == {"Idempotency-Key": WRITE.idempotency_key}
