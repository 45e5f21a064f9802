"""What every add-on is checked for."""

import io

from onhand.testing.contract import AddonContract
from onhand.testing.people import csrf_token
from onhand_channels.testing import make_channel
from onhand_csv_drop.testing import COLUMNS


class TestContract(AddonContract):
    addon = "csv_drop"

    def act(self, site, entity):
        """Say what a till's files mean, and upload one, none of which is known."""
        name = f"till-{entity.code.lower()}"
        site.transact(lambda session, now: make_channel(session, now, entity.id, code=name))
        browser = site.browser("admin", entity=entity)
        csrf = {"csrf_token": csrf_token(browser, "/")}
        columns = {f"column_{field}": heading for field, heading in COLUMNS.items()}
        said = {"name": name, "channel": name, "event_type": "onhand.sale.v1", "zone": "UTC", **columns}
        browser.post("/csv_drop/edit", data={**said, **csrf})
        file = (io.BytesIO(b"Article,Pieces,Branch,Sold at,Receipt\nNONE,1,S1,2026-01-05T09:00:00,1\n"), "sales.csv")
        browser.post(f"/csv_drop/sources/{name}", data={"file": file, "action": "post", **csrf})
