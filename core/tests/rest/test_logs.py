import logging
import sys

import pytest
import structlog
from onhand import logs
from onhand.logs import redact


def test_secrets_are_hidden_by_name_and_inside_text():
    token = "oh_" + "a" * 43
    event = {
        "event": f"refused Bearer {token}",
        "password": "hunter2",
        "url": "postgresql://onhand_app:s3cret@db/onhand",
        "headers": {"Authorization": "Bearer x", "Accept": "json"},
        "lines": [f"token={token}"],
        "count": 3,
    }
    hidden = redact(None, "info", event)
    assert token not in str(hidden)
    assert "hunter2" not in str(hidden)
    assert "s3cret" not in str(hidden)
    assert hidden["headers"] == {"Authorization": "[hidden]", "Accept": "json"}
    assert hidden["count"] == 3


def test_a_request_is_logged_with_its_id_actor_and_entities(site, caplog, monkeypatch):
    logs.configure("json", "info")  # whatever another app of this process chose; a used logger keeps its first level
    monkeypatch.setattr(logs, "log", structlog.get_logger("onhand.request"))
    caplog.set_level("INFO")
    answer = site.get("/api/v1/who", site.token(site.a, "gate.read"))
    entry = next(record.msg for record in caplog.records if isinstance(record.msg, dict) and record.msg.get("path"))
    assert entry["request_id"] == answer.headers["X-Request-ID"]
    assert entry["actor"].startswith("token:")
    assert entry["entities"] == (site.a,) or entry["entities"] == [site.a]


@pytest.mark.parametrize("form", ["json", "console"])
def test_traceback_shows_neither_local_variables_nor_secrets_in_messages(form):
    token = "oh_" + "b" * 43
    try:
        local_variable = "s3cret-in-a-local"
        raise ValueError(f"refused {token}", len(local_variable))
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, __file__, 1, "failed", (), sys.exc_info())
    line = logs._handler(form, [redact]).format(record)
    assert "ValueError" in line
    assert token not in line
    assert "s3cret-in-a-local" not in line.replace('local_variable = "s3cret-in-a-local"', "")
