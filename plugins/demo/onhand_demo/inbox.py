"""Reads the exception inbox over REST."""

from __future__ import annotations

from collections import Counter
from urllib.parse import urlencode

from onhand_demo.wire import Wire

PATH = "/api/v1/exceptions"
PAGE = 200


def raised(base_url: str, token: str) -> dict[str, int]:
    """How many exceptions, open and resolved, have evidence of each kind."""
    kinds = Counter[str]()
    with Wire(base_url) as wire:
        for status in ("open", "resolved"):
            cursor = None
            while True:
                query = {"status": status, "limit": PAGE} | ({"cursor": cursor} if cursor else {})
                answer = wire.get(f"{PATH}?{urlencode(query)}", token=token)
                if answer.status != 200:
                    raise RuntimeError(f"the inbox does not answer: {answer.problem}")
                for each in answer.body["items"]:
                    kinds.update(each["kinds"])
                cursor = answer.body["next"]
                if cursor is None:
                    break
    return dict(sorted(kinds.items()))
