"""datatrove's chains on the pages that benchmarks.decisions judges.

Belongs here: running the peer, its answers by URL. Does not belong here: the chains
(peers/datatrove_chains.py), what is made of the answers (decisions.py).
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / ".venv-peers/bin/python"
CHAINS = ROOT / "benchmarks/peers/datatrove_chains.py"


def peer_decisions(texts: Mapping[str, tuple[str, str]]) -> dict[str, dict[str, bool]]:
    """By chain and URL, whether datatrove keeps the page; `texts` are (language, text) by URL. Empty
    where .venv-peers is not there. The texts are those that our extraction and edits leave, so that
    decisions alone are compared."""
    if not PYTHON.exists():
        return {}
    spec = importlib.util.find_spec("jieba")
    folder = str(Path(spec.origin).parents[1]) if spec and spec.origin else ""
    found: dict[str, dict[str, bool]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        source, target = Path(scratch, "texts.jsonl"), Path(scratch, "answers.jsonl")
        rows = [json.dumps({"language": language, "text": text}) for language, text in texts.values()]
        source.write_text("".join(row + "\n" for row in rows), encoding="utf-8")
        subprocess.run([str(PYTHON), str(CHAINS), str(source), str(target), folder], check=True)
        for url, line in zip(texts, target.read_text(encoding="utf-8").splitlines(), strict=True):
            for chain, keep in json.loads(line).items():
                found.setdefault(chain, {})[url] = keep
    return found
