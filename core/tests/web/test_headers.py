import pytest
from flask import Flask

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


@pytest.mark.parametrize("path", ["/", "/login", "/static/onhand/onhand.js", "/no-such-page"])
def test_every_answer_carries_the_security_headers(gallery: Flask, path: str) -> None:
    with gallery.test_client().get(path) as answer:
        headers = answer.headers
    assert headers["Content-Security-Policy"] == POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"].upper() == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in headers


def test_browsers_are_bound_to_https_only_over_https(gallery: Flask) -> None:
    headers = gallery.test_client().get("/", base_url="https://shop.example").headers
    assert headers["Strict-Transport-Security"].startswith("max-age=31536000")


def test_pages_are_never_stored_and_named_assets_for_good(gallery: Flask) -> None:
    client = gallery.test_client()
    page = client.get("/")
    assert page.headers["Cache-Control"] == "no-store"
    assert "HX-Request" in page.headers["Vary"]
    asset = next(part for part in page.text.split('"') if part.startswith("/static/onhand/onhand.css?v="))
    with client.get(asset) as named, client.get(asset.partition("?")[0]) as unnamed:
        assert "immutable" in named.headers["Cache-Control"]
        assert unnamed.headers["Cache-Control"] == "no-cache"
