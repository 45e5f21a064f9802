"""Fit the shell into the application: its routes, its filters, its headers and what every template may ask."""

from collections.abc import Callable
from datetime import datetime

from flask import Flask
from werkzeug.local import LocalProxy

from onhand.web import formats
from onhand.web.assets import asset, this_page
from onhand.web.headers import protect
from onhand.web.tables import Column

__all__ = ["add_template_tools", "init_app"]


def init_app(app: Flask) -> None:
    """Register the shell's pages, headers and error page; make its macros and `shell` available to every template."""
    from onhand.audit.looks import watch
    from onhand.web import app_views, audit_views, executive_views, views
    from onhand.web.shell import Shell

    add_template_tools(app, now=lambda: Shell.of_request().now, zone=lambda: Shell.of_request().zone)
    protect(app)
    app.register_blueprint(views.shell)
    app.register_blueprint(audit_views.audit)
    app.register_blueprint(executive_views.executive)
    watch(app)
    # A proxy, so that a page which draws no shell (an answer to htmx, a bare error) asks nobody.
    surrounding = LocalProxy(Shell.of_request)
    app.context_processor(lambda: {"shell": surrounding})
    assert app_views  # noqa: S101 - imported for its routes


def add_template_tools(app: Flask, *, now: Callable[[], datetime], zone: Callable[[], str]) -> None:
    """Add the filters, `asset`, `column` and `this_page` that base.html and macros.html are written with.

    `now` and `zone` give a page's clock and time zone; they only decide how a moment reads.
    """

    def moment(value: datetime, *, zone_name: str | None = None, seconds: bool = False) -> str:
        return formats.moment(value, zone_name or zone(), now(), seconds=seconds)

    def said(text: object) -> object:
        """Leave alone what is no plain text: markup is somebody's finished page."""
        return formats.said(text, zone(), now()) if type(text) is str else text

    app.jinja_env.globals.update(asset=asset, column=Column, this_page=this_page)
    app.jinja_env.filters.update(
        quantity=formats.quantity,
        counted=formats.counted,
        money=formats.money,
        age=formats.age,
        iso=formats.iso,
        ago=lambda value: formats.ago(value, now()),
        moment=moment,
        said=said,
    )
