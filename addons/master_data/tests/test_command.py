"""`onhand import`: what the README promises at the command line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from onhand_master_data.api import items_by_sku, locations_by_code

Transact = Callable[..., Any]


def test_files_are_imported_in_order(onhand: Any, tmp_path: Path, transact: Transact, entities: Any) -> None:
    a, b = entities
    files = {
        "categories": "code,name\nTEA,Tea\n",
        "locations": f"code,name,entity\nL1,One,{a.code}\nL2,Two,{b.code}\n",
        "items": f"sku,name,category,entities\nA,Green tea,TEA,{a.code}|{b.code}\n",
    }
    for name, content in files.items():
        file = tmp_path / f"{name}.csv"
        file.write_text(content)
        told = onhand("import", name, file, "--dry-run", "--json")
        assert told.exit_code == 0, told.output
        done = onhand("import", name, file, "--json")
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout) == json.loads(told.stdout) | {"dry_run": False}
    assert transact(lambda session, _: items_by_sku(session, ["A"]))["A"].category == "TEA"
    assert set(transact(lambda session, _: locations_by_code(session, ["L1", "L2"]))) == {"L1", "L2"}


def test_a_bad_file_ends_with_its_faults_and_exit_code_1(
    onhand: Any, tmp_path: Path, transact: Transact, entities: Any
) -> None:
    file = tmp_path / "items.csv"
    file.write_text("sku,name,gtin\nA,a,\nB,b,123\n")
    answer = onhand("import", "items", file, "--json")
    assert answer.exit_code == 1
    [error] = json.loads(answer.stdout)["errors"]
    assert (error["row"], error["column"], error["value"]) == (3, "gtin", "123")
    assert transact(lambda session, _: items_by_sku(session, ["A"])) == {}


def test_what_is_exported_can_be_imported_again(onhand: Any, tmp_path: Path, transact: Transact, entities: Any) -> None:
    a, b = entities
    files = {
        "categories": "code,name,parent\nDRY,Dry,\nTEA,Tea,DRY\n",
        "locations": f"code,name,entity,kind,gln,time_zone\nL1,One,{a.code},store,,Europe/Berlin\n",
        "items": f"sku,name,base_unit,category,gtin,entities,packs\nA,Green tea,EA,TEA,,{a.code}|{b.code},CS=12\n",
    }
    for name, content in files.items():
        file = tmp_path / f"{name}.csv"
        file.write_text(content)
        assert onhand("import", name, file).exit_code == 0
        again = tmp_path / f"{name}-again.csv"
        written = onhand("export", name, again)
        assert written.exit_code == 0, written.output
        assert again.read_text() == content
        told = json.loads(onhand("import", name, again, "--json").stdout)
        assert (told["created"], told["errors"]) == (0, [])


def test_an_exported_name_is_no_formula(onhand: Any, tmp_path: Path, entities: Any) -> None:
    file = tmp_path / "items.csv"
    file.write_text(f"sku,name,entities\nA,=1+1,{entities[0].code}\n")
    assert onhand("import", "items", file).exit_code == 0
    assert "'=1+1" in onhand("export", "items").stdout
    assert onhand("export", "nothing").exit_code == 2
