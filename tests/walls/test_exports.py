"""Every export × every beginning that a spreadsheet takes for a formula: no cell of any file begins with one."""

import csv
import io
import re
import zipfile
from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from onhand.cli import main
from onhand.testing import Entity
from onhand.testing.site import Site

from walls.stage import Stage

BEGINNINGS = ("=", "+", "-", "@")  # tabs and carriage returns are refused in names
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


@pytest.fixture(params=BEGINNINGS)
def stage(request: pytest.FixtureRequest, onhand_site: Site, entities: tuple[Entity, Entity]) -> Iterator[Stage]:
    made = Stage(onhand_site, *entities, text=f"{request.param}cmd|' /C calc'!A1")
    yield made
    made.strike()
    onhand_site.app.config["PROPAGATE_EXCEPTIONS"] = None


def formulas(text: str) -> list[str]:
    """Return the cells of a CSV file that a spreadsheet would work out."""
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    return [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r")) and not NUMBER.fullmatch(cell)]


def test_no_cell_of_any_file_is_a_formula(stage: Stage) -> None:
    caller = stage.caller(stage.permissions)
    faults, files = [], 0
    for address in stage.complete():
        if address.is_unsafe or "export" not in address.rule:
            continue
        for form in ("csv", "xlsx"):
            path = address.of(stage.own)
            answer = caller.ask(address, f"{path}{'&' if '?' in path else '?'}format={form}&key=*")
            assert answer.status_code == 200, f"{address}: {answer.text[:200]}"
            if answer.mimetype == "text/csv":
                files += 1
                faults += [f"{address} writes {cell!r}" for cell in formulas(answer.text)]
            elif "spreadsheet" in answer.mimetype:
                files += 1
                with zipfile.ZipFile(io.BytesIO(answer.data)) as parts:
                    sheets = [name for name in parts.namelist() if name.startswith("xl/worksheets/sheet")]
                    faults += [f"{address} writes a formula" for name in sheets if b"<f>" in parts.read(name)]
    assert files >= 2
    assert faults == []


def test_no_cell_of_any_exporter_is_a_formula(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = stage.site.settings
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    monkeypatch.setenv("REDIS_URL", settings.redis_url)
    monkeypatch.setenv("SECRET_KEY", settings.secret_key)
    exporters = stage.site.app.extensions["onhand"].gather("exporters")
    quoted = 0
    for exporter in exporters:
        done = CliRunner().invoke(main, ["export", exporter.name], prog_name="onhand")
        assert done.exit_code == 0, done.output
        assert formulas(done.stdout) == [], exporter.name
        quoted += f"'{stage.text}" in done.stdout.replace('""', '"')
    assert quoted >= 2, "the control: names that are formulas were among what was written"


def test_a_formula_would_be_noticed() -> None:
    assert formulas("sku,name\nA,=1+1\nB,-5\nC,'=1\n") == ["=1+1"]
