"""A worker whose job, and a scheduler whose hook does not end: real processes, which are replaced, rid of who did it, and work on."""

import json
import os
import sys
import time
from pathlib import Path

import pytest
from onhand.addons.suspension import resume
from onhand.addons.timeline import suspensions
from onhand.supervise import Processes, ProcessSpec
from onhand.testing import TESTER

from hostile.packages import Hostile, write

SECONDS_MAX = 60.0
BROODS = Hostile(
    "broods", "",
    """
    import json
    import os
    import re
    import time
    from pathlib import Path

    from flask import current_app
    from onhand.contributions import Loop
    from onhand.jobs import actor

    FOLDER = Path(os.environ["BROODS"])
    BORN = time.monotonic_ns()


    def note(where):
        (FOLDER / where).write_text(json.dumps([os.getpid(), BORN]))


    @hookimpl
    def brood(where):
        how = (FOLDER / "how").read_text()
        if how == "work":
            note(f"{where}.worked")
            return
        note(f"{where}.stuck")
        while how == "hang":
            time.sleep(0.1)
        re.match(r"(a+)+$", "a" * 50 + "b")


    def think(where):
        current_app.extensions["onhand"].manager.hook.brood(where=where)


    @actor(attempts=5, seconds_max=1)
    def work(entities):
        if (FOLDER / "how").read_text() == "hang":  # no hook of its own: a job that does not end
            note("worker.stuck")
            time.sleep(3_600)
        think("worker")


    def step(entities):
        think("scheduler")
        return 0


    @hookimpl
    def actors():
        return [work]


    @hookimpl
    def loops():
        return [Loop("broods.step", step, idle_seconds=0.1)]
    """,
    requires=(),
    files={
        "hooks.py": '''
            from onhand.hooks import decide


            @decide
            def brood(where: str) -> None:
                """decide: what it does wrong, there."""
        '''
    },
)  # fmt: skip
JOB = (
    "INSERT INTO onhand.job (queue, actor, entity_id, args, attempts_max, due_at, recorded_at)"
    " VALUES ('broods', 'broods.work', NULL, '{}', 5, now(), now())"
)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder that a process finds the add-on in as it would find one that was installed."""
    folder = tmp_path / "packages"
    folder.mkdir()
    write(folder, BROODS)
    told = folder / "onhand_broods-1.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: onhand-broods\nVersion: 1\n")
    (told / "entry_points.txt").write_text("[onhand.addons]\nbroods = onhand_broods.plugin\n")
    return folder


def until(what, found, lines):
    """Wait for something to be found, and return it."""
    begun = time.monotonic()
    while not (answer := found()):
        assert time.monotonic() - begun < SECONDS_MAX, f"{what} is not there\n" + "\n".join(lines)
        time.sleep(0.1)
    return answer


@pytest.mark.parametrize(
    ("how", "roles", "logged"),
    [("hang", ("worker", "scheduler"), "hook_does_not_end"), ("keep the lock", ("worker",), "lock_kept")],
)
def test_processes_that_are_stuck_in_a_job_or_a_hook_are_replaced_and_work_on_without_it(
    site, entities, installed, tmp_path, how, roles, logged
):
    ask = site.database.superuser
    ask(
        "INSERT INTO onhand.enablement (entity_id, addon, state, effective_from, recorded_at, actor)"
        " VALUES (%s, 'broods', 'enabled', now(), now(), 'system:test')", entities[0].id,
    )  # fmt: skip
    ask(JOB)
    (tmp_path / "how").write_text(how)
    environment = {
        "DATABASE_URL": site.settings.database_url, "REDIS_URL": site.settings.redis_url,
        "SECRET_KEY": site.settings.secret_key, "ONHAND_FOLDER": str(tmp_path / "run"), "BROODS": str(tmp_path),
        "ONHAND_HOOK_SECONDS_MAX": "0.5", "ONHAND_LOG_FORMAT": "console",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(installed), *sys.path])),
    }  # fmt: skip
    specs = [
        ProcessSpec(role, [sys.executable, "-m", "onhand.cli", role], environment=environment, restarts_max=5)
        for role in roles
    ]
    lines: list[str] = []

    def noted(what):
        return until(what, lambda: (tmp_path / what).exists() and json.loads((tmp_path / what).read_text()), lines)

    def begun(role):
        """Say whether it has begun to work twice."""
        said = "leading " if role == "scheduler" else "working "
        return sum(line.startswith(f"{role}: ") and f"] {said}" in line for line in lines) == 2

    with Processes(specs, on_line=lambda role, line: lines.append(f"{role}: {line}")) as processes:
        stuck = {role: noted(f"{role}.stuck") for role in roles}
        assert {role: pid for role, (pid, _) in stuck.items()} == processes.pids()
        until("suspension", lambda: "broods" in site.transact(lambda session, _: suspensions(session)), lines)
        (tmp_path / "how").write_text("work")
        until("renewal", lambda: all(begun(role) for role in roles), lines)
        site.transact(lambda session, now: resume(session, "broods", by=TESTER, now=now))
        due = "UPDATE onhand.job SET due_at = now() - interval '1 minute' WHERE actor = 'broods.work'"
        until("worker.worked", lambda: ask(due) or (tmp_path / "worker.worked").exists(), lines)
        worked = {role: noted(f"{role}.worked") for role in roles}
    assert all(worked[role][1] > stuck[role][1] for role in roles), "each is a process anew"
    if how == "hang":
        assert [worked[role][0] for role in roles] == [stuck[role][0] for role in roles], "under the same number"
    assert any(logged in line for line in lines)
    [(reason,)] = ask("SELECT reason FROM onhand.audit WHERE action = 'addon.suspend' AND subject = 'addon:broods'")
    assert "brood" in reason
