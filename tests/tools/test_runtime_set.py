"""What a user installs is enough: nothing that only tests need is imported when work runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
REFUSE = """
import sys
from importlib.machinery import PathFinder
class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in {refused!r}:
            return PathFinder.find_spec(name, path, target)
sys.meta_path = [Without() if finder is PathFinder else finder for finder in sys.meta_path]
"""
WORK = """
import pyarrow as pa
import assets.release, examples.one_dump, experiments.two_stages.run
import jobs.cli, jobs.demo.demo, jobs.definitions
import jobs.webserver, model.evaluate.__main__, model.train, pipelines.catalogue.stages, reports.run_report
from pipelines.engine import Spark, collect_parts
engine = Spark("local[1]")
schema = pa.schema([("n", pa.int64())])
print(collect_parts(engine, 2, lambda i: pa.table({"n": [i]}), schema)["n"].to_pylist())
engine.stop()
"""


def test_work_runs_without_what_tests_need(tmp_path: Path) -> None:
    tests = set(re.findall(r"^([a-z0-9][a-z0-9._-]*)==", (ROOT / "requirements.test.txt").read_text(), re.M))
    refused = {
        module
        for module, owners in packages_distributions().items()
        if all(canonicalize_name(owner) in tests for owner in owners)
    }
    assert {"pytest", "moto", "transformers"} <= refused
    (tmp_path / "sitecustomize.py").write_text(REFUSE.format(refused=refused))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    done = subprocess.run([sys.executable, "-c", WORK], env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.split("\n")[-2] == "[0, 1]", done.stderr[-2000:]
