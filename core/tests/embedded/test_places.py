"""Where services live, and who tidies up after those that were killed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from onhand.embedded import EmbeddedError, scratch, services, temporary_services
from onhand.embedded.binaries import PACKAGE, binaries_for, installed_binaries
from onhand.embedded.scratch import scratch_for, scratch_root, sweep
from onhand.supervise import Account

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root's folders can be out of PostgreSQL's reach")

NOBODY = Account(65534, 65534)


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A temporary folder of our own, short enough for sockets and open enough for any OS user.

    It asks for `tmp_path` only so that pytest settles its own temporary folder before ours takes over.
    """
    with tempfile.TemporaryDirectory(prefix="shelf") as shelf:
        Path(shelf).chmod(0o755)
        monkeypatch.setattr(tempfile, "tempdir", shelf)
        yield Path(shelf)


@root_only
def test_services_of_a_folder_out_of_reach_live_elsewhere_and_leave_its_permissions_alone(
    shelf: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING")
    closed = shelf / "closed"
    closed.mkdir(mode=0o700)
    with services(closed / "site", valkey=False) as running:
        assert running.folder == scratch_for(closed / "site")
        assert (running.folder / "data" / "PG_VERSION").exists()
        assert str(running.folder) in caplog.text
    assert closed.stat().st_mode & 0o777 == 0o700


def test_services_of_a_reachable_folder_live_in_it(shelf: Path) -> None:
    with services(shelf / "site", valkey=False) as running:
        assert running.folder == shelf / "site"
        assert (shelf / "site" / "data" / "PG_VERSION").exists()


def test_temporary_services_leave_nothing(shelf: Path) -> None:
    with temporary_services(postgres=False) as running:
        assert running.folder.is_relative_to(shelf)
        home = running.folder
    assert not home.exists()


@pytest.mark.skipif(not scratch.MEMORY.is_dir(), reason="this system keeps no files in memory")
def test_temporary_services_are_kept_in_memory_where_there_is_room_and_swept_there(
    shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch, "MEMORY_BYTES_MIN", 0)
    with temporary_services(postgres=False, in_memory=True) as running:
        home = running.folder
        assert home.is_relative_to(scratch.MEMORY)
    assert not home.exists()
    left = scratch.scratch_anew(in_memory=True)
    os.utime(left, (0, 0))
    sweep()
    assert not left.exists()
    monkeypatch.setattr(scratch, "MEMORY_BYTES_MIN", 2**60)
    assert scratch.scratch_anew(in_memory=True).is_relative_to(shelf)


def test_a_deep_folder_gets_sockets_of_legal_length(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = shelf / ("deep" * 20)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    assert scratch_root() == Path("/tmp").resolve() / f"onhand-{os.geteuid()}"


def test_the_sweep_takes_what_was_left_and_nothing_that_is_held_young_or_needed(shelf: Path, tmp_path: Path) -> None:
    def age(scratch: Path) -> None:
        os.utime(scratch, (0, 0))

    needed, orphaned = scratch_for(tmp_path), scratch_for(shelf / "removed since")
    young, unmounted = scratch_for(shelf / "also removed"), scratch_for(Path("/mnt/disk/site"))
    for one in (orphaned, unmounted):
        (one / "data").mkdir()
    with temporary_services(postgres=False) as running:
        for one in (needed, orphaned, unmounted, running.folder):
            age(one)
        sweep()
        assert running.folder.exists()
        assert needed.exists()
        assert unmounted.exists(), "its disk may come back"
        assert young.exists()
        assert not orphaned.exists()


def test_temporary_services_of_a_killed_process_are_swept(
    shelf: Path, monkeypatch: pytest.MonkeyPatch, hold: Callable[..., Any], all_gone: Callable[[list[int]], bool]
) -> None:
    monkeypatch.setenv("TMPDIR", str(shelf))
    holder = hold(None)
    holder.process.kill()
    assert all_gone([*holder.servers, holder.guardian])
    assert (holder.folder / "data").exists()
    os.utime(holder.folder, (0, 0))
    sweep()
    assert not holder.folder.exists()


def test_a_scratch_folder_that_others_may_write_in_is_refused(shelf: Path) -> None:
    scratch_root().chmod(0o777)
    with pytest.raises(EmbeddedError, match="only we can write in"):
        scratch_root()


@root_only
def test_programs_out_of_reach_are_copied_and_mended(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = shelf / "closed"
    programs = closed / PACKAGE / "pginstall" / "bin"
    programs.mkdir(parents=True)
    (closed / PACKAGE / "__init__.py").touch()
    (programs / "postgres").write_text("as installed")
    (programs.parent / "share").mkdir()
    (programs.parent / "share" / "zone").write_text("UTC")
    closed.chmod(0o700)
    monkeypatch.syspath_prepend(closed)
    assert installed_binaries() == programs
    assert binaries_for(None) == programs
    copy = binaries_for(NOBODY)
    assert (copy / "postgres").read_text() == "as installed"
    (copy.parent / "share" / "zone").unlink()
    assert binaries_for(NOBODY) == copy
    assert (copy.parent / "share" / "zone").read_text() == "UTC"
    assert closed.stat().st_mode & 0o777 == 0o700
