from __future__ import annotations

import json
import os
import subprocess
import sys

from pipelines.lake.build_lock import CLOCK_SLACK_SECONDS, lives_here, this_process

SAY = """import json
from pipelines.lake.build_lock import this_process
print(json.dumps(this_process()), flush=True)
input()
"""


def test_this_process_finds_itself_in_what_was_written() -> None:
    assert json.loads(json.dumps(this_process())) == this_process()
    assert lives_here(this_process())


def test_another_process_lives_until_it_ends_and_is_not_taken_for_a_zombie() -> None:
    with subprocess.Popen([sys.executable, "-c", SAY], stdin=-1, stdout=-1, text=True) as other:
        assert other.stdout and other.stdin
        owner = json.loads(other.stdout.readline())
        assert owner["pid"] == other.pid and owner != this_process() and lives_here(owner)
        other.kill()
        os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)  # it has ended and is a zombie
        assert not lives_here(owner)
    assert not lives_here(owner)


def test_a_process_id_that_was_given_again_is_another_process() -> None:
    mine = this_process()
    assert lives_here(mine | {"started": mine["started"] + CLOCK_SLACK_SECONDS / 2})  # a corrected clock
    assert not lives_here(mine | {"started": mine["started"] - 3600})
    assert not lives_here(mine | {"host": "elsewhere"})
    assert not lives_here(mine | {"started": "a record that is none"})
