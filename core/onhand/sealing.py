"""Secrets of others, kept sealed: what the site must show again to whom it belongs, and to nobody else.

What is sealed is encrypted and authenticated (Fernet) under a key of its own, drawn from the site's `SECRET_KEY` by HKDF
(RFC 5869). Whoever has the database alone reads nothing, and what is moved to another place cannot be opened there.
"""

from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

__all__ = ["Unopened", "seal", "unseal"]


class Unopened(Exception):
    """It was not sealed for this place under this SECRET_KEY: have the secret entered again."""


def seal(site_secret: str, place: str, secret: str) -> bytes:
    """Return a secret sealed for a place: `shopify.shop:<id>:token`, say. Each time other bytes."""
    return _lock(site_secret, place).encrypt(secret.encode())


def unseal(site_secret: str, place: str, sealed: bytes) -> str:
    """Return what was sealed for a place; Unopened where the key or the place is another, or it was tampered with."""
    try:
        return _lock(site_secret, place).decrypt(sealed).decode()
    except InvalidToken:
        raise Unopened(f"what is kept for {place} cannot be opened: enter it again (was SECRET_KEY changed?)") from None


def _lock(site_secret: str, place: str) -> Fernet:
    drawn = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"onhand.sealing {place}".encode())
    return Fernet(urlsafe_b64encode(drawn.derive(site_secret.encode())))
