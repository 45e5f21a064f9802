"""Webhook signatures: base64 of HMAC-SHA256 over the body as it came (https://shopify.dev/docs/apps/build/webhooks/verify-deliveries)."""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Sequence

__all__ = ["is_signed", "sign"]


def sign(secret: str, body: bytes) -> str:
    """Return the signature of a body, as the header `X-Shopify-Hmac-Sha256` carries it."""
    return b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


def is_signed(body: bytes, signature: str, secrets: Sequence[str]) -> bool:
    """Say whether a body was signed with one of the secrets. How long it takes tells nothing about them."""
    given = signature.encode("utf-8", "replace")
    matches = [hmac.compare_digest(sign(secret, body).encode(), given) for secret in secrets]
    return any(matches)
