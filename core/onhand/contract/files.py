"""Files: templates and static files that a strict content security policy lets work, and that need no other host."""

import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from jinja2 import Environment, TemplateSyntaxError, meta

__all__ = ["forms", "inline", "outside", "templates"]

COMMENT = re.compile(r"{#.*?#}|<!--.*?-->", re.DOTALL)
INLINE = (
    (re.compile(r"<script(?![^>]*\bsrc\s*=)[^>]*>", re.IGNORECASE), "has a script inside: put it into static/"),
    (re.compile(r"<style\b", re.IGNORECASE), "has a style sheet inside: put it into static/"),
    (re.compile(r"<[a-z][^<>]*\sstyle\s*=", re.IGNORECASE), "has a style attribute: use a class"),
    (re.compile(r"<[a-z][^<>]*\son[a-z]+\s*=", re.IGNORECASE), "has a handler inside: listen in a script"),
    (re.compile(r"javascript:", re.IGNORECASE), "has a javascript: address"),
)
ELSEWHERE = (
    re.compile(r"""<(?:script|img|iframe|source|video|audio|embed|object)\b[^>]*\b(?:src|srcset|data)\s*=\s*["']?\s*(?:https?:)?//""", re.IGNORECASE),
    re.compile(r"""<link\b[^>]*\bhref\s*=\s*["']?\s*(?:https?:)?//""", re.IGNORECASE),
    re.compile(r"""url\(\s*["']?\s*(?:https?:)?//|@import\s+["'](?:https?:)?//""", re.IGNORECASE),
    re.compile(r"""(?:\bfrom|(?<!@)\bimport|\bimportScripts|\bfetch)\s*\(?\s*["'`]https?://"""),
)  # fmt: skip
FORM = re.compile(r"<form\b(?P<tag>[^>]*)>(?P<inside>.*?)</form>", re.IGNORECASE | re.DOTALL)
POSTS = re.compile(r"""\bmethod\s*=\s*["']?post""", re.IGNORECASE)
PAGES = frozenset({".html", ".htm", ".svg", ".jinja", ".j2"})
READ = PAGES | {".css", ".js", ".mjs"}


def _texts(package: Path, suffixes: Collection[str]) -> Iterator[tuple[Path, str]]:
    for folder in ("templates", "static"):
        for path in sorted((package / folder).rglob("*")):
            if path.suffix in suffixes:
                yield path.relative_to(package), COMMENT.sub(_blank, path.read_text())


def _blank(found: re.Match[str]) -> str:
    return "\n" * found.group().count("\n")


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def inline(package: Path) -> Iterator[str]:
    """Yield scripts and styles inside of pages: the content security policy drops them."""
    for path, text in _texts(package, PAGES):
        for pattern, what in INLINE:
            yield from (f"{path}:{_line(text, found.start())} {what}" for found in pattern.finditer(text))


def outside(package: Path) -> Iterator[str]:
    """Yield files that would be fetched from another host."""
    for path, text in _texts(package, READ):
        for pattern in ELSEWHERE:
            for found in pattern.finditer(text):
                yield f"{path}:{_line(text, found.start())} fetches from another host: ship the file"


def templates(package: Path, noun: str, environment: Environment, nouns: Iterable[str]) -> Iterator[str]:
    """Yield templates that do not parse, or that build on those of an add-on that is not required."""
    known = {f"{each}/" for each in (noun, *nouns)}
    for path, _ in _texts(package, PAGES):
        if path.parts[0] != "templates":
            continue
        try:
            tree = environment.parse((package / path).read_text())
        except TemplateSyntaxError as error:
            yield f"{path}:{error.lineno} {error.message}"
            continue
        for name in meta.find_referenced_templates(tree):
            if name is not None and not name.startswith(tuple(known)):
                yield f"{path} builds on {name}, which is neither its own nor of what it requires"


def forms(package: Path) -> Iterator[str]:
    """Yield forms that post without the hidden token: they would be refused."""
    for path, text in _texts(package, PAGES):
        for form in FORM.finditer(text):
            if POSTS.search(form["tag"]) and "csrf" not in form["inside"]:
                yield f"{path}:{_line(text, form.start())} posts without {{{{ ui.csrf() }}}}"
