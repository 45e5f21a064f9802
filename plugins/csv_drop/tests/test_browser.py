"""The pages, as a phone shows them by night."""

import pytest
from onhand_channels.testing import make_channel
from onhand_csv_drop.testing import make_source

SALES = {"name": "sales.csv", "mimeType": "text/csv", "buffer": b"Article,Pieces,Branch,Sold at,Receipt\nTEA,2,S1,2026-01-05,r-1\nTEA,x,S1,2026-01-05,r-2\n"}  # fmt: skip


@pytest.mark.browser
def test_a_file_is_previewed_and_posted(visit, person, transact, entities) -> None:
    a, _ = entities

    def open_shop(session, now):
        make_channel(session, now, a.id, code="till-1")
        make_source(session, now, a.id, "till-1")

    transact(open_shop)
    here = visit(person("admin"), "/csv_drop/sources/tills", width=390, scheme="dark")
    for button in ("Preview", "Post"):
        here.page.get_by_label("CSV file").set_input_files(SALES)
        here.page.get_by_role("button", name=button).click()
        here.judge(button)
