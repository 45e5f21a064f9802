"""The tutorial is walked: from an empty folder to a plugin on a site, and back to nothing."""

import re
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from onhand.testing.catalogue import catalogue, differences
from onhand.testing.distribution import with_requirements

sys.path.insert(0, str(Path(__file__).parent))  # forks of another process import it, too
from walking import Step, Walk, changed, steps, told

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"
REMEMBERED = {"onhand.approval", "onhand.audit", "onhand.enablement", "onhand.outbox", "onhand.policy_version"}
"""What people did is told, and kept: that they switched it on and off, and what policies they set."""
TABLES = """
SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1
"""


@pytest.mark.wheels
def test_the_tutorial_leads_there_and_back_again(tmp_path, onhand_sites):
    installed = with_requirements({entry.name for entry in entry_points(group="onhand.addons")})
    redis_url = onhand_sites.site(with_requirements({"exceptions"})).settings.redis_url
    with onhand_sites.databases.passing(installed) as database:
        before = catalogue(database.superuser)
        environment = {
            "HOME": str(tmp_path),
            "COLUMNS": "160",
            "DATABASE_URL": database.url,
            "ONHAND_OWNER_DATABASE_URL": database.owner_url,
            "REDIS_URL": redis_url,
            "SECRET_KEY": "the secret of a site that is soon forgotten",
        }
        walk = Walk(tmp_path, environment)
        for step in steps(PAGE.read_text()):
            walk.take(step)
        assert "reservations" in (listed := walk.said.rpartition("┏")[2])
        assert "recalls" not in listed
        assert differences(before, catalogue(database.superuser), one="before", other="after") == []
        mention = "SELECT EXISTS (SELECT FROM {0} t WHERE t::text LIKE '%recall%')"
        tables = [table for (table,) in database.superuser(TABLES)]
        left = {table for table in tables if database.superuser(mention.format(table))[0][0]}
        assert left <= REMEMBERED, "what people did stays, and nothing else"


def test_a_page_that_says_otherwise_is_noticed(tmp_path):
    walk = Walk(tmp_path, {})
    walk.take(Step("sh", "", "echo 61 passed in 3 s"))
    walk.take(Step("text", "", "61 passed in …"))
    with pytest.raises(AssertionError, match="the page says"):
        walk.take(Step("text", "", "62 passed in …"))
    with pytest.raises(AssertionError):
        walk.take(Step("sh", "", "false"))
    with pytest.raises(AssertionError, match=re.escape("this is there 0 times")):
        changed("one\ntwo\n", " one\n-three\n", "a file")
    assert changed("one\ntwo\n", " one\n-two\n+three\n", "a file") == "one\nthree\n"
    assert told("│ 1  │ a │", "│ 1 │ a │")
