"""What an auditor gets can be verified by a program of their own, opens safely in a spreadsheet, and is itself recorded."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

AUDITOR = Path(__file__).with_name("auditor.py")
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'=1", "'", ""]


def judge(*words):
    """Run the auditor's own program, which knows nothing of ours."""
    done = subprocess.run([sys.executable, "-I", AUDITOR, *words], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout.strip()


@pytest.fixture
def trail(write, sealed, entities, monkeypatch):
    """Two rows of each entity in each of three blocks, and one that is not sealed yet."""
    for _ in range(3):
        for entity in entities:
            write(2, entity=entity)
        sealed()
    write()


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_export_verifies_without_us_up_to_the_head_kept(trail, onhand, tmp_path):
    head = onhand("audit", "head").strip()
    file = tmp_path / "trail.jsonl"
    onhand("audit", "export", file)
    assert [one["block"] for one in lines(file) if one["type"] == "row"] == [1] * 4 + [2] * 4 + [3] * 4 + [None]
    assert judge(file, "--head", head) == (0, "as it was sealed")
    assert judge(file, "--head", "3:" + "0" * 64)[0] == 1


def test_one_entitys_rows_verify_alone_and_show_none_of_another(trail, onhand, tmp_path, entities):
    head = onhand("audit", "head").strip()
    file = tmp_path / "a.jsonl"
    onhand("audit", "export", file, "--entity", "A")
    rows = [one for one in lines(file) if one["type"] == "row"]
    assert {row["entity_id"] for row in rows} == {str(entities[0].id)}
    assert len(rows) == 7
    assert judge(file, "--head", head) == (0, "as it was sealed")


@pytest.mark.parametrize("field", ["actor", "after", "recorded_at", "id"])
def test_auditor_finds_a_row_that_was_changed_in_the_file(trail, onhand, tmp_path, field):
    file = tmp_path / "trail.jsonl"
    onhand("audit", "export", file)
    changed = lines(file)
    changed[2][field] = "1"
    file.write_text("\n".join(map(json.dumps, changed)))
    code, said = judge(file)
    assert (code, said) == (1, f"row {changed[2]['id']} is not as block 1 sealed it")


def test_auditor_finds_a_block_that_was_left_out_or_changed(trail, onhand, tmp_path):
    file = tmp_path / "trail.jsonl"
    onhand("audit", "export", file)
    whole = lines(file)
    file.write_text("\n".join(json.dumps(one) for one in whole if one.get("number") != 2))
    assert "block 3 does not follow" in judge(file)[1]
    next(one for one in whole if one.get("number") == 2)["leaves"][0][1] = "00" * 32
    file.write_text("\n".join(map(json.dumps, whole)))
    assert "block 2 does not have the rows it covers" in judge(file)[1]


def test_csv_opens_safely_and_verifies_to_the_letter(write, sealed, onhand, tmp_path, superuser):
    for text in FORMULAS:
        write(reason=text)
    sealed()
    file = tmp_path / "trail.csv"
    onhand("audit", "export", file, "--format", "csv")
    with file.open(newline="") as stream:
        cells = [row["reason"] for row in csv.DictReader(stream)]
    assert cells == [f"'{text}" for text in FORMULAS]
    assert judge(file, "--blocks", f"{file}.blocks.jsonl") == (0, "as it was sealed")
    file.write_text(file.read_text().replace("@SUM", "@AVG"))
    assert judge(file, "--blocks", f"{file}.blocks.jsonl")[0] == 1


def test_a_period_is_half_open(trail, onhand, tmp_path, superuser):
    [(first,), (second,)] = superuser("SELECT recorded_at FROM onhand.audit ORDER BY id LIMIT 2")
    file = tmp_path / "trail.jsonl"
    superuser("UPDATE onhand.audit SET recorded_at = '2020-01-01Z' WHERE recorded_at = %s", first)
    superuser("UPDATE onhand.audit SET recorded_at = '2020-01-02Z' WHERE recorded_at = %s", second)
    onhand("audit", "export", file, "--from", "2020-01-01", "--to", "2020-01-02")
    assert [one["recorded_at"] for one in lines(file) if one["type"] == "row"] == ["2020-01-01T00:00:00.000000Z"]


def test_export_of_nothing_is_empty_and_still_recorded(onhand, entities, superuser, tmp_path):
    file = tmp_path / "trail.jsonl"
    onhand("audit", "export", file, "--entity", "B")
    assert file.read_text() == ""
    [(action, after, entity)] = superuser("SELECT action, after, entity_id FROM onhand.audit")
    assert (action, after["rows"], entity) == ("audit.export", 0, entities[1].id)


def test_misuse_is_2(onhand, entities):
    onhand("audit", "export", "--format", "csv", exits=2)
    onhand("audit", "export", "--entity", "X", exits=2)
