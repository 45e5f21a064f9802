"""Sealed secrets: opened with the site's key at their own place, and nowhere else."""

import pytest
from onhand.sealing import Unopened, seal, unseal

PLACE = "shopify.shop:1:token"


def test_what_is_sealed_is_opened_at_its_place_alone():
    sealed = seal("the site's", PLACE, "shpat_ünlikely")
    assert b"shpat" not in sealed
    assert seal("the site's", PLACE, "shpat_ünlikely") != sealed
    assert unseal("the site's", PLACE, sealed) == "shpat_ünlikely"
    tampered = sealed[:40] + bytes([sealed[40] ^ 1]) + sealed[41:]
    for key, place, kept in (
        ("another", PLACE, sealed),
        ("the site's", PLACE + "2", sealed),
        ("the site's", PLACE, tampered),
    ):
        with pytest.raises(Unopened, match="enter it again"):
            unseal(key, place, kept)
