"""A site around the shell's templates, without a database: every macro on one page, and the pages of the shell."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, flash, render_template, request
from onhand.contributions import Obligation, Tile
from onhand.enablement import Change, Plan
from onhand.web.apps import AppCell, AppRow
from onhand.web.assets import STATIC
from onhand.web.headers import protect
from onhand.web.install import add_template_tools
from onhand.web.menu import Entry
from onhand.web.shell import EntityLine, Shell
from onhand.web.tables import Column

NOW = datetime.now(UTC)
TEMPLATES = STATIC.parent / "templates"
COLUMNS = [
    Column("sku", "SKU", "code", href=lambda row: f"/?sku={row['sku']}"),
    Column("name", "Item"),
    Column("state", "State"),
    Column("available", "Available", "quantity", href=lambda row: f"/?entries={row['sku']}"),
    Column("reserved", "Reserved", "quantity"),
    Column("change", "Change", "delta"),
    Column("changed_at", "Changed", "time"),
]
NAMES = ("Fluid milk white only", "Bananas", "Shredded cheese", "Soft drinks 12/18 & 15 pk can car", "Yogurt", None)
TONES = ("good", "warn", "bad", "info", "neutral", "accent")
AVAILABLE = (1240, 18, 0, 96_120, 7, None)
ENTITIES = (
    EntityLine(1, "north", "Northwind Grocers", "USD", "America/New_York"),
    EntityLine(2, "lake", "Lakeside Fresh Market GmbH", "EUR", "Europe/Berlin"),
)
MENU = (
    Entry("Home", "home", "/home"),
    Entry("Items", "package", "/i"),
    Entry("Locations", "building-store", "/l"),
    Entry("Stock", "stack-2", "/", current=True),
    Entry("Channels", "route", "/c"),
    Entry("Reservations", "bookmark", "/r"),
    Entry("Exceptions", "alert-triangle", "/e"),
    Entry("Apps", "apps", "/apps"),
)
PERSON = Shell(person="Maya Lindqvist", roles=("Governance",), entity=ENTITIES[0], entities=ENTITIES, menu=MENU)
NOBODY = Shell()
TILES = [
    Tile("Units available", "1 204 331", "/", hint="in 34 locations"),
    Tile("Open exceptions", "27", "/", tone="bad", hint="4 older than a day"),
    Tile("Intake delay, p95", "3.4", "/", unit="h", tone="warn"),
    Tile("Holds", "118", "/", hint="9 expire within the hour"),
]
ADDONS = {
    "master_data": "Items, locations, units and categories",
    "stock": "States, movements, the ledger and its balances",
    "channels": "Where demand comes from: registry, event intake, latency",
    "reservations": "Promise stock for a while, confirm it or let it go",
}


def stock_rows(count: int) -> list[dict[str, Any]]:
    return [
        {
            "sku": str(1_029_743 + n * 977),
            "name": NAMES[n % 6],
            "state": TONES[n % 6],
            "tone": TONES[n % 6],
            "available": AVAILABLE[n % 6],
            "reserved": (4, 0, 12, 1, 0, 2)[n % 6],
            "change": (12, -3, 0)[n % 3],
            "changed_at": NOW - timedelta(minutes=7 ** (n % 6)),
        }
        for n in range(count)
    ]


def app_rows() -> list[AppRow]:
    rows = []
    for noun, summary in ADDONS.items():
        soon = NOW + timedelta(days=9)
        ours = AppCell(1, "enabled")
        theirs = AppCell(2, "draining") if noun == "channels" else AppCell(2, "disabled", "enabled", soon)
        cells = {"entity-1": ours, "entity-2": theirs}
        rows.append(AppRow(noun, noun.replace("_", " ").capitalize(), summary, "0.1.0", ("Stock",), cells))
    return rows


def plan_page(refused: bool) -> str:
    """The plan of switching reservations off, or of switching it on."""
    wish = Change(2, "reservations", "disabled" if refused else "enabled")
    plan = Plan(
        wish,
        {"menu": ("Reservations",), "permissions": ("reservations.read", "reservations.hold")},
        refusals=("fulfilment is enabled for this entity and needs reservations: disable it first",) if refused else (),
        obligations=(Obligation("hold", 118, "confirmed holds", "/"),) if refused else (),
    )
    return render_template(
        "onhand/apps_plan.html", shell=PERSON, here="/plan", title="Reservations", summary=ADDONS["reservations"],
        entity=ENTITIES[1], state="enabled" if refused else "disabled", tone="good" if refused else "neutral",
        choices=[("draining", "Let it drain"), ("disabled", "Disable")] if refused else [("enabled", "Enable")],
        wish=wish, wish_from="", from_error=None, plan=plan, headline="Switched on for this entity:",
        switches=[("Menu entries", "Reservations"), ("Permissions", "reservations.read, reservations.hold")],
        needs=[("stock", "Stock")] if refused else [], verb="Disable" if refused else "Enable",
    )  # fmt: skip


def create_gallery() -> Flask:
    """Return a site that serves the shell's pages from made-up figures, under the real security headers."""
    app = Flask("gallery", template_folder=str(Path(__file__).parent), static_folder=None)
    app.secret_key = "gallery"
    app.jinja_env.globals["csrf_token"] = lambda: "token"
    add_template_tools(app, now=lambda: NOW, zone=lambda: "America/New_York")
    protect(app)
    app.register_blueprint(_pages())
    return app


def _pages() -> Blueprint:
    shell = Blueprint(
        "shell", __name__, template_folder=str(TEMPLATES), static_folder=str(STATIC), static_url_path="/static"
    )
    for name in ("logout", "switch_entity", "app_plan", "app_everywhere"):
        shell.add_url_rule(f"/x/{name}", name, view_func=lambda: ("", 204), methods=["GET", "POST"])

    @shell.get("/home")
    def home() -> str:
        if "signed" in request.args:
            flash("Stock is enabled for Northwind Grocers from now on.", "success")
        return render_template("onhand/home.html", shell=PERSON, tiles=TILES)

    @shell.get("/home-empty")
    def home_empty() -> str:
        return render_template("onhand/home.html", shell=PERSON, tiles=[], may_administer=True)

    @shell.get("/")
    def gallery() -> str:
        rows = [row for row in stock_rows(18) if request.args.get("q", "").lower() in str(row["name"]).lower()]
        hours_ago = [NOW - timedelta(hours=3)]
        return render_template("gallery.html", shell=PERSON, columns=COLUMNS, rows=rows, tiles=TILES, moments=hours_ago)

    @shell.get("/apps")
    def apps() -> str:
        columns = [Column("title", "Add-on"), *(Column(f"entity-{line.id}", line.name) for line in ENTITIES)]
        zones = {line.id: line.time_zone for line in ENTITIES}
        return render_template("onhand/apps.html", shell=PERSON, columns=columns, rows=app_rows(), zones=zones)

    @shell.get("/plan")
    def plan() -> str:
        return plan_page(refused="refused" in request.args)

    @shell.get("/login")
    def login() -> str:
        return render_template("onhand/login.html", shell=NOBODY, problem=request.args.get("problem"))

    @shell.get("/error")
    def error() -> str:
        return render_template(
            "onhand/error.html", shell=PERSON, status=503, title="Not available just now", retry="/",
            detail="the database does not answer in time", reference="0197-ab3f",
            next_step="Nothing was changed. It is usually over within seconds: try again.",
            errors=[{"row": 3, "field": "gtin", "message": "the check digit is wrong"}],
        )  # fmt: skip

    return shell
