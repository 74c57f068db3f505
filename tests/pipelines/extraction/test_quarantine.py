"""Pages that the clock stopped: the clock, and the files that name pages."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from pipelines.extraction.quarantine import (
    TooSlow,
    add_to_quarantine,
    deadline,
    fingerprint,
    quarantined,
)
from pipelines.lake import Lake


def test_the_clock_stops_a_block_and_gives_the_signal_back() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(TooSlow), deadline(0.01):
        while True:
            sum(range(100))
    with deadline(60):
        pass
    assert signal.getsignal(signal.SIGALRM) is before and signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_outside_of_the_main_thread_there_is_no_clock() -> None:
    ended = []

    def work() -> None:
        with deadline(0.001):
            time.sleep(0.02)
            ended.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ended == [True]


def test_named_pages_are_kept_by_file_and_change_the_fingerprint(lake: Lake) -> None:
    assert quarantined(lake, "d", "a.warc") == [] and fingerprint(lake, "d") == ""
    seen = {fingerprint(lake, "d")}
    for file, offset in (("a.warc", 9), ("a.warc", 3), ("b.warc", 9)):
        add_to_quarantine(lake, "d", file, (offset, 0))
        seen.add(fingerprint(lake, "d"))
    add_to_quarantine(lake, "d", "a.warc", (3, 0))
    assert fingerprint(lake, "d") in seen and len(seen) == 4
    assert quarantined(lake, "d", "a.warc") == [(3, 0), (9, 0)]
    assert quarantined(lake, "d", "b.warc") == [(9, 0)]
    assert quarantined(lake, "other", "a.warc") == [] and fingerprint(lake, "other") == ""
