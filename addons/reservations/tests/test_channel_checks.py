"""What reservations ask of a channel before it goes live."""

from onhand_channels.api import checklist


def unmet(shop):
    checks = shop.run(lambda session, now: checklist(session, [shop.channel], now=now)[shop.channel.id])
    return [one.name for one in checks if not one.is_fulfilled and one.name in ("ttl", "buffer")]


def test_time_to_live_and_buffer_are_chosen_not_left_to_their_defaults(shop):
    assert unmet(shop) == ["ttl", "buffer"]
    shop.set_policy("ttl_seconds", 600)
    assert unmet(shop) == ["buffer"]
    shop.set_policy("buffer", 0, channel_id=shop.channel.id)
    assert unmet(shop) == []
