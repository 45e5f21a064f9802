"""What the content security policy would drop must not be written; what is vendored must fetch nothing."""

import re
from pathlib import Path

import pytest
from onhand.web.assets import STATIC

TEMPLATES = sorted((STATIC.parent / "templates").rglob("*.html"))
INLINE = {
    "a style attribute": re.compile(r"\sstyle\s*=", re.IGNORECASE),
    "an event handler": re.compile(r"\son[a-z]+\s*=", re.IGNORECASE),
    "a style element": re.compile(r"<style", re.IGNORECASE),
    "an inline script": re.compile(r"<script(?![^>]*\ssrc=)", re.IGNORECASE),
    "a script address": re.compile(r"javascript:", re.IGNORECASE),
    "code for htmx": re.compile(r"\shx-(on|vals|vars|headers)\b", re.IGNORECASE),
    "another site": re.compile(r"""(src|href|action)\s*=\s*["'](https?:)?//""", re.IGNORECASE),
}
VENDOR = STATIC / "onhand" / "vendor"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_holds_nothing_the_policy_would_drop(path: Path) -> None:
    text = re.sub(r"\{#.*?#\}", "", path.read_text("utf-8"), flags=re.DOTALL)
    assert [name for name, pattern in INLINE.items() if pattern.search(text)] == []


@pytest.mark.parametrize(
    "planted",
    ['<p style="x">', "<a onclick='x'>", "<style>", "<script>x</script>", '<a href="javascript:x">',
     '<a hx-on:click="x">', '<img src="//cdn.example/x">'],
)  # fmt: skip
def test_each_of_these_would_be_found(planted: str) -> None:
    assert any(pattern.search(planted) for pattern in INLINE.values())


def test_every_style_sheet_fetches_nothing() -> None:
    for path in (STATIC / "onhand").rglob("*.css"):
        css = path.read_text("utf-8")
        assert "@import" not in css
        targets = re.findall(r"url\(\s*[\"']?(.{5})", css)
        assert [target for target in targets if target != "data:"] == [], path


def test_what_is_vendored_is_listed_with_version_and_licence() -> None:
    listed = (VENDOR / "VENDORED.md").read_text("utf-8")
    for path in VENDOR.iterdir():
        assert path.name == "VENDORED.md" or path.name in listed, f"{path.name} is not listed"
    for name in re.findall(r"`([\w.-]+\.(?:txt|js|css))`", listed):
        assert (VENDOR / name).exists() or (VENDOR.parent / name).exists(), f"{name} is listed but absent"
    assert (
        "v" + re.findall(r"Tabler core.*?\| ([\d.]+)", listed)[0]
        in (VENDOR / "tabler.min.css").read_text("utf-8")[:300]
    )
    assert f'version:"{re.findall(r"htmx .*?([0-9.]+)", listed)[0]}"' in (VENDOR / "htmx.min.js").read_text("utf-8")
