"""`make crash`: does what was acknowledged survive whatever is killed, cut or restarted? See docs/reliability.md."""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from onhand.supervise import orderly_exit

from crash.campaign import Campaign
from crash.stage import stage

SHOWN_MAX = 20


@click.command()
@click.option("--minutes", default=2.0, show_default=True, type=click.FloatRange(0.05), help="How long faults go on.")
@click.option("--seed", default=7, show_default=True, help="Decides what clients ask and which faults come when.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end.")
@click.option("--calm", is_flag=True, help="No faults: what is found then is the workload's or the harness's.")
@click.option(
    "--planted", is_flag=False, flag_value="hold", type=click.Choice(("hold", "durability")),
    help="Plant a bug, which must turn the run red: holds that read first and write later, or commits acknowledged too early.",
)  # fmt: skip
@click.option(
    "--patience", default=15.0, show_default=True, help="Seconds, once all is healed, that nothing may happen."
)
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Where data and logs stay; by default kept only if red."
)
def crash(
    minutes: float, seed: int, as_json: bool, calm: bool, planted: str | None, patience: float, folder: Path | None
) -> None:
    """Run the site under load and faults, and compare it with its clients' journal. Exits with 1 when they differ."""
    is_kept = folder is not None
    folder = folder or Path(tempfile.mkdtemp(prefix="onhand-crash-"))
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)  # PostgreSQL, which root may not run, must get in
    with orderly_exit(), stage(folder, planted=planted) as place:
        report = Campaign(
            place, seed, minutes * 60, patience, is_faulty=not calm, say=lambda text: click.echo(text, err=True)
        ).run()
    for finding in report.findings[:SHOWN_MAX]:
        click.echo(f"{finding.kind}: {finding.what}", err=True)
    if report.is_red:
        (folder / "findings.txt").write_text("".join(f"{one.kind}: {one.what}\n" for one in report.findings))
        click.echo(f"{len(report.findings)} findings; they and all logs are in {folder}", err=True)
    elif not is_kept:
        shutil.rmtree(folder, ignore_errors=True)
    if as_json:
        click.echo(json.dumps(report.figures))
    else:
        for name, value in report.figures.items():
            click.echo(f"{name:>26}  {value}")
    sys.exit(1 if report.is_red else 0)


if __name__ == "__main__":
    crash()
