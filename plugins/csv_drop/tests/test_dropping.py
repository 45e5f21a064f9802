"""Files in folders and on the page: taken once, whole, and answered row by row."""

import csv
import io
import os
from datetime import UTC, datetime

import pytest
from onhand.testing.people import csrf_token
from onhand_channels.testing import make_channel
from onhand_csv_drop import folders, jobs
from onhand_csv_drop.testing import COLUMNS, make_source
from onhand_master_data.testing import make_item, make_location
from onhand_stock.testing import receive, states_of

LONG_AGO = datetime(2026, 1, 5, 9, tzinfo=UTC).timestamp()
SALES = (
    "Article,Pieces,Branch,Sold at,Receipt\n"
    "TEA,2,S1,2026-01-05T08:00:00,r-1\n"
    "TEA,many,S1,2026-01-05T08:01:00,r-2\n"
    "COFFEE,1,S1,2026-01-05T08:02:00,r-3\n"
)


@pytest.fixture
def shop(transact, entities):
    """A till with ten pieces of tea, its source of files, and how many are left."""
    a, _ = entities

    def open_shop(session, now):
        place, item = make_location(session, now, a.id, code="S1"), make_item(session, now, a.id, sku="TEA")
        make_channel(session, now, a.id, place.id, code="till-1")
        receive(session, now, a.id, place.id, {item.id: 10})
        make_source(session, now, a.id, "till-1")
        return place.id, item.id

    place, item = transact(open_shop)
    return lambda: transact(lambda session, now: states_of(session, a.id, place, item))["available"]


@pytest.fixture
def watched(tmp_path, monkeypatch, entities, app):
    """Leave a file in the folder, look, and say what lies where."""
    monkeypatch.setenv("CSV_DROP_FOLDER", str(tmp_path))
    folder = tmp_path / "tills"
    folder.mkdir()

    def look(**files: str | bytes) -> dict[str, list[str]]:
        for name, text in files.items():
            path = folder / f"{name}.csv"
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            os.utime(path, (LONG_AGO, LONG_AGO))
        with app.app_context():
            jobs.watch([entity.id for entity in entities])
        return {
            place.name: sorted(path.name[16:] for path in place.iterdir())
            for place in sorted(folder.iterdir())
            if place.is_dir()
        }

    look.folder = folder
    return look


def outcomes(folder) -> list[list[str]]:
    """Return row, outcome and problem of the only outcome there."""
    [path] = folder.glob("*.outcome.csv")
    return [row[:3] for row in csv.reader(io.StringIO(path.read_text()))][1:]


def test_each_row_is_answered_and_the_same_file_posts_nothing_twice(watched, shop):
    assert watched(sales=SALES) == {"failed": ["sales.csv", "sales.outcome.csv"]}
    assert outcomes(watched.folder / "failed") == [
        ["2", "posted", ""],
        ["3", "refused", "quantity 'many' is no whole number from 1"],
        ["4", "parked", "Unknown item: there is no active item 'COFFEE'"],
    ]
    assert shop() == 8
    good = SALES.replace("many", "1")
    assert watched(again=SALES, mended=good)["done"] == ["mended.csv", "mended.outcome.csv"]
    assert [row[1] for row in outcomes(watched.folder / "done")] == ["duplicate", "posted", "duplicate"]
    assert shop() == 7


def test_rows_without_ids_of_the_same_bytes_are_the_same_events(watched, shop, transact, entities):
    columns = {"sku": "Article", "quantity": "Pieces"}
    transact(lambda session, now: make_source(session, now, entities[0].id, "till-1", columns=columns, location="S1"))
    watched(monday="Article,Pieces\nTEA,1\nTEA,1\n")
    assert shop() == 8
    path = watched.folder / "copy.csv"
    path.write_text("Article,Pieces\nTEA,1\nTEA,1\n")
    os.utime(path, (LONG_AGO + 60, LONG_AGO + 60))
    assert watched()["done"].count("copy.outcome.csv") == 1
    assert shop() == 8
    assert watched.folder.glob("done/*copy.outcome.csv").__next__().read_text().count("duplicate") == 2


def test_a_file_is_taken_when_it_is_whole_and_never_followed_elsewhere(watched, shop, tmp_path):
    (watched.folder / "fresh.csv").write_text(SALES)
    (watched.folder / "sales.part").write_text(SALES)
    secret = tmp_path / "secret.csv"
    secret.write_text(SALES)
    os.utime(secret, (LONG_AGO, LONG_AGO))
    (watched.folder / "link.csv").symlink_to(secret)
    assert watched() == {}
    assert shop() == 10


def test_what_was_cut_short_before_it_was_put_away_answers_as_it_did(watched, shop, monkeypatch):
    def cut(*_, **__):
        raise OSError("no space left")

    with monkeypatch.context() as broken:
        broken.setattr(folders, "put_away", cut)
        assert watched(sales=SALES.replace("many", "1")) == {}
    assert shop() == 7
    assert watched() == {"done": ["sales.csv", "sales.outcome.csv"]}
    assert [row[1] for row in outcomes(watched.folder / "done")] == ["posted", "posted", "parked"]
    assert shop() == 7


def test_a_person_previews_posts_and_downloads(admin, shop):
    csrf = {"csrf_token": csrf_token(admin, "/csv_drop/")}

    def send(action):
        return admin.post("/csv_drop/sources/tills", data={"file": (io.BytesIO(SALES.encode()), "sales.csv"), "action": action, **csrf})  # fmt: skip

    seen = send("preview").text
    assert "Unknown item" not in seen
    assert "there is no active item &#39;COFFEE&#39;" in seen
    assert "quantity &#39;many&#39;" in seen
    assert shop() == 10, "a preview posts nothing"
    assert send("post").status_code == 303
    assert shop() == 8
    page = admin.get("/csv_drop/").text
    [address] = {part.partition('"')[0] for part in page.split('href="') if "/outcome" in part.partition('"')[0]}
    told = admin.get(address)
    assert "filename=sales.outcome.csv" in told.headers["Content-Disposition"]
    assert told.text.splitlines()[1].startswith("2,posted,,TEA")
    assert admin.post("/csv_drop/sources/tills", data=csrf).status_code == 422


def test_a_source_that_cannot_be_is_refused_field_by_field(admin, shop):
    csrf = {"csrf_token": csrf_token(admin, "/csv_drop/")}
    columns = {f"column_{field}": heading for field, heading in COLUMNS.items()}
    good = {
        "name": "web",
        "channel": "till-1",
        "event_type": "onhand.sale.v1",
        "zone": "Europe/Berlin",
        **columns,
        **csrf,
    }
    bad = {
        "name": "../etc",
        "channel": "none",
        "event_type": "x",
        "zone": "Mars",
        "column_sku": "",
        "column_quantity": "",
    }
    for field, value in bad.items():
        answer = admin.post("/csv_drop/edit", data={**good, field: value})
        assert (answer.status_code, answer.text.count('aria-invalid="true"')) == (422, 1), field
    assert admin.post("/csv_drop/edit", data={**good, "column_id": "Article"}).status_code == 422
    assert admin.post("/csv_drop/edit", data=good).status_code == 303
    assert "Europe/Berlin" in admin.get("/csv_drop/edit?name=web").text
