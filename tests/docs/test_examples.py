"""The example of the how-to is a test, so it is run as one."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "tests.md"


def test_the_example_of_the_how_to_passes(transact, entities) -> None:
    [example] = [
        block for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL) if "def test_" in block
    ]
    names: dict = {}
    exec(compile(example, str(PAGE), "exec"), names)
    [test] = [thing for name, thing in names.items() if name.startswith("test_")]
    test(transact, entities)
