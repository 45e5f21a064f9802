"""A degraded channel promises less: a raised buffer is kept back, and where new holds are stopped there are none."""

from dataclasses import replace


def test_a_raised_buffer_is_kept_back_from_holds_and_availability(shop):
    shop.stock(5)
    shop.set_policy("buffer", 1)
    shop.channel = replace(shop.channel, mode="raise_buffer", buffer_raise=2)
    assert shop.try_hold({shop.sku: 3}).shortfalls[0].available == 2
    assert shop.hold(2)
    shop.channel = replace(shop.channel, mode="normal", buffer_raise=0)
    assert shop.hold(2)


def test_where_new_holds_are_stopped_there_are_none_and_open_ones_run_on(shop):
    shop.stock(5)
    held = shop.firm()
    shop.channel = replace(shop.channel, mode="stop_holds")
    refused = shop.try_hold({shop.sku: 1})
    assert refused.reason == "channel_inactive"
    assert "takes no new holds for now" in refused.detail
    assert shop.do("fulfil", held).status == "fulfilled"
