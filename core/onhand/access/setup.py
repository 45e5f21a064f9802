"""Fit access into the application."""

from datetime import timedelta

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from onhand.access.guards import admit, csrf
from onhand.access.login import SESSION_LASTS, manage_logins
from onhand.access.state import EXTENSION, Access

__all__ = ["init_app"]


def init_app(app: Flask) -> None:
    """Put the gate in front of every view. `require_declarations(app)` follows once all views are mounted."""
    declared = app.extensions["onhand"].gather("permissions")
    app.extensions[EXTENSION] = Access({permission.name: permission for permission in declared})
    app.config.update(
        PERMANENT_SESSION_LIFETIME=timedelta(seconds=SESSION_LASTS.total_seconds()),
        SESSION_COOKIE_NAME="onhand",
        WTF_CSRF_CHECK_DEFAULT=False,  # the gate checks, and only where a cookie is what lets one in
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
    )
    proxies = app.extensions["onhand_settings"].proxies
    if proxies:  # whose X-Forwarded headers tell the visitor's address and scheme; anybody else's would be lies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)  # type: ignore[method-assign]  # middleware goes around it
    manage_logins(app)
    csrf.init_app(app)
    app.before_request(admit)
