"""Near-duplicates in process with the shipped kernels, verification included, against the
datasketch LSH loop.

Run: python -m benchmarks.neardup [--quick] [--data ../shared/data/corpus] Documents are those of
spark_scale.py: changed pieces of real text, about a third of them edited copies. CPU seconds of
this process from texts to the kept set, the smallest of three runs. Recall and precision are of
whole documents against exact all-pairs truth (near_truth.py).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.near_truth import all_pairs, judge, natural_documents, with_planted
from benchmarks.signatures import DATA, hardware, shingle_strings
from benchmarks.spark_scale import Generator


def removed_by_skypile(texts: list[str]) -> dict[int, tuple[int, str]]:
    """Signatures, band keys, star edges, components, election with exact verification: {row: (kept
    row, kind)}."""
    from pipelines.cards.minhash import MinHashParameters
    from pipelines.dedup import bands, components, shingles
    from pipelines.dedup.candidates import copy_edges
    from pipelines.dedup.election import KINDS, Members, Thresholds, elect
    from pipelines.dedup.pairs import id_lanes
    from pipelines.kernels.text_hashes import content_hashes

    parameters, array = MinHashParameters(), pa.array(texts, pa.large_string())
    keys = np.zeros((len(texts), parameters.bands), np.uint64)
    counts = np.zeros(len(texts), np.int32)
    for start in range(0, len(texts), 10_000):  # by parts, as the stage does
        part = slice(start, start + 10_000)
        minima, counts[part] = shingles.minhash(array[part], parameters.num_perm, parameters.seed)
        keys[part] = bands.band_keys(minima.astype(np.uint16), parameters.bands, parameters.rows)
    contents, rows = id_lanes(content_hashes(array)), np.arange(len(texts))
    copies, first = copy_edges(contents, rows)
    shown = first[counts[first] > 0]
    nodes, roots = components.driver_components(
        np.concatenate([copies, bands.star_edges(keys[shown], shown)])
    )
    order = np.lexsort((nodes, roots))
    nodes, roots = nodes[order], roots[order]
    flat, offsets = shingles.shingle_sets(array.take(pa.array(nodes)))
    result = elect(
        Members(roots, contents[nodes], keys[nodes], np.diff(offsets), flat, offsets), Thresholds()
    )
    gone = np.flatnonzero(result.kept >= 0)
    kinds = [KINDS[k] for k in result.kind[gone]]
    return dict(
        zip(nodes[gone].tolist(), zip(nodes[result.kept[gone]].tolist(), kinds, strict=True), strict=True)
    )


def removed_by_datasketch(texts: list[str]) -> set[int]:
    """bulk with xxh32, MinHashLSH with the same bands, query then insert; verified by nothing."""
    import xxhash
    from datasketch import MinHash, MinHashLSH

    lsh = MinHashLSH(num_perm=224, params=(28, 8))
    gone: set[int] = set()
    for start in range(0, len(texts), 1000):
        block = [shingle_strings(t) for t in texts[start : start + 1000]]
        for n, sketch in enumerate(MinHash.bulk(block, num_perm=224, hashfunc=xxhash.xxh32_intdigest), start):
            if lsh.query(sketch):
                gone.add(n)
            else:
                lsh.insert(n, sketch, check_duplication=False)
    return gone


def cpu(work: Any, texts: list[str]) -> tuple[float, Any]:
    started = time.process_time()
    gone = work(texts)
    return time.process_time() - started, gone


def main(arguments: list[str] | None = None) -> int:
    """Print the table and the result line; 2 where the data is absent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument(
        "--quick", action="store_true", help="2,500 and 5,000 documents instead of 50,000 and 100,000"
    )
    options = parser.parse_args(arguments)
    if not options.data.is_dir():
        print(f"{options.data} is not there: name a corpus with --data", file=sys.stderr)
        return 2
    half, judged = (2500, 2000) if options.quick else (50_000, 20_000)
    generator = Generator(options.data)
    documents = [generator.document(k) for k in range(2 * half)]
    removed_by_skypile(documents[:100])
    # interleaved, so that a neighbour's load meets both sizes
    runs = [
        (cpu(removed_by_skypile, documents[:half])[0], cpu(removed_by_skypile, documents)) for _ in range(3)
    ]
    small, (large, gone) = min(run[0] for run in runs), min((run[1] for run in runs), key=lambda r: r[0])
    peer, peer_gone = cpu(removed_by_datasketch, documents)

    sample, num_natural = with_planted(natural_documents(options.data, judged * 3 // 4), judged // 4)
    figures = judge(all_pairs(sample), removed_by_skypile(sample), num_natural)
    print(f"{'method':12} {'documents':>10} {'CPU s':>8} {'kept':>8}")
    print(f"{'skypile':12} {half:10} {small:8.2f}")
    print(f"{'skypile':12} {2 * half:10} {large:8.2f} {2 * half - len(gone):8}")
    print(f"{'datasketch':12} {2 * half:10} {peer:8.2f} {2 * half - len(peer_gone):8}")
    print(f"truth by exact all-pairs over {len(sample)} documents, a quarter of them planted copies:")
    for name, value in figures.items():
        print(f"  {name:24} {value:10}")
    metrics = {
        "ratio_datasketch": round(peer / large, 2),
        "growth": round(large / small, 3),
        "cpu_seconds": round(large, 2),
        "documents": 2 * half,
        "judged_documents": len(sample),
        **figures,
    }
    goal = {"ratio_datasketch": 10, "growth": 2.1, "recall": 0.97, "precision": 0.99}
    command = "python -m benchmarks.neardup" + (" --quick" if options.quick else "")
    print(
        json.dumps(
            {"name": "neardup", "metrics": metrics, "goal": goal, "hardware": hardware(), "command": command}
        )
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
