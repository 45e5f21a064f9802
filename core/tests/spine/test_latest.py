"""What threads remember: one reads late what another has read since, and nobody is set back."""

import threading

from onhand.addons.latest import Latest


def test_value_is_read_when_another_version_is_seen_and_only_then():
    latest, reads = Latest("none"), []

    def read(value):
        return lambda: reads.append(value) or value

    for version, value in ((1, "one"), (1, "never"), (2, "two"), (1, "restored")):
        latest.refresh(version, read(value))
    assert (latest.value, latest.version, reads) == ("restored", 1, ["one", "two", "restored"])
    latest.forget()
    latest.refresh(1, read("again"))
    assert latest.value == "again"


def test_slow_reader_does_not_set_back_what_a_later_one_has_read():
    latest, reading, go_on = Latest("none"), threading.Event(), threading.Event()

    def slowly():
        reading.set()
        assert go_on.wait(60)
        return "old"

    slow = threading.Thread(target=latest.refresh, args=(1, slowly))
    slow.start()
    assert reading.wait(60)
    latest.refresh(2, lambda: "new")
    go_on.set()
    slow.join()
    assert (latest.value, latest.version) == ("new", 2)
