"""Security headers of every answer: nothing inline, nothing from elsewhere, never framed."""

from flask import Flask, Response, request
from secure import (
    ContentSecurityPolicy,
    CrossOriginOpenerPolicy,
    CrossOriginResourcePolicy,
    PermissionsPolicy,
    ReferrerPolicy,
    Secure,
    StrictTransportSecurity,
    XContentTypeOptions,
    XFrameOptions,
)

__all__ = ["HSTS", "fixed_headers", "protect"]

NONE, SELF = "'none'", "'self'"
YEAR_SECONDS = 31_536_000
HSTS = (
    "Strict-Transport-Security",
    StrictTransportSecurity().max_age(YEAR_SECONDS).include_subdomains().header_value,
)
FOR_GOOD = f"public, max-age={YEAR_SECONDS}, immutable"


def protect(app: Flask) -> None:
    """Add the headers to every answer of the app; a header a view has set itself stands."""
    fixed = fixed_headers()

    def add(response: Response) -> Response:
        for name, value in fixed:
            response.headers.setdefault(name, value)
        if request.is_secure:
            response.headers.setdefault(*HSTS)
        if request.endpoint and request.endpoint.endswith("static"):
            # The address of an asset carries the digest of its content, so a copy never goes stale.
            response.headers["Cache-Control"] = (
                "public, max-age=31536000, immutable" if "v" in request.args else "no-cache"
            )
        elif response.mimetype == "text/html":
            response.headers.setdefault("Cache-Control", "no-store")
            response.vary.add("HX-Request")
        return response

    app.after_request(add)


def fixed_headers() -> tuple[tuple[str, str], ...]:
    """Return what every answer carries."""
    return tuple(_secure().headers.items())


def _secure() -> Secure:
    policy = (
        ContentSecurityPolicy()
        .default_src(NONE)
        .script_src(SELF)
        .style_src(SELF)
        .img_src(SELF, "data:")
        .font_src(SELF)
        .connect_src(SELF)
        .form_action(SELF)
        .frame_ancestors(NONE)
        .base_uri(NONE)
    )
    return Secure(
        csp=policy,
        xcto=XContentTypeOptions(),
        xfo=XFrameOptions().deny(),
        referrer=ReferrerPolicy().same_origin(),
        coop=CrossOriginOpenerPolicy().same_origin(),
        corp=CrossOriginResourcePolicy().same_origin(),
        permissions=PermissionsPolicy().camera("self").geolocation().microphone().payment().usb(),
    )
