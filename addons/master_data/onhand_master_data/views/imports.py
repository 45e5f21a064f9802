"""HTML: the import page, which checks a file before it applies it."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from onhand import problems
from onhand.access import requires
from onhand.web.tables import Column

from onhand_master_data import importers
from onhand_master_data.views.asking import attempt_import, demand_whole_entities
from onhand_master_data.views.pages import master_data

__all__ = ["imports"]

imports = master_data
ERRORS_SHOWN_MAX = 200
COLUMNS = [
    Column("row", "Row"),
    Column("column", "Column"),
    Column("value", "Value", "code"),
    Column("message", "What is wrong"),
]
OUTCOMES = [Column("row", "Row"), Column("name", "SKU or code", "code"), Column("outcome", "Outcome")]
BY_NAME = {importer.name: importer for importer in importers.ALL}
LISTS = {"items": "master_data.items", "locations": "master_data.locations", "categories": "master_data.items"}


@master_data.get("/import")
@requires("master_data.edit")
def import_page() -> str:
    """Ask for a file."""
    return _page(chosen=request.args.get("what", "items"))


@master_data.post("/import")
@requires("master_data.edit")
def import_file() -> ResponseReturnValue:
    """Check the file, or apply it whole; either way name every row and column at fault."""
    demand_whole_entities()
    what = request.form.get("what", "")
    importer = BY_NAME.get(what)
    upload = request.files.get("file")
    if importer is None or upload is None or not upload.filename:
        return _page(chosen=what, file_error="Choose a CSV file."), 422
    dry_run = request.form.get("action") != "import"
    try:
        report = attempt_import(importer, upload.read(), dry_run=dry_run)
    except problems.ImportRefused as refused:
        return _page(chosen=what, report=refused.report, name=upload.filename), 422
    if dry_run:
        return _page(chosen=what, report=report, name=upload.filename)
    flash(
        f"Imported {what}: {report.created} created, {report.updated} changed, {report.requested} asked for.", "success"
    )
    return redirect(url_for(LISTS[what]), 303)


def _page(**parts: object) -> str:
    return render_template(
        "master_data/import.html",
        choices=[(importer.name, importer.name.capitalize()) for importer in importers.ALL],
        column_help=[(f"{importer.name}.csv", importer.help) for importer in importers.ALL],
        columns=COLUMNS,
        outcome_columns=OUTCOMES,
        errors_shown_max=ERRORS_SHOWN_MAX,
        **parts,
    )
