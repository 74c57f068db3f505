"""datatrove's path from WARC files to filtered documents with MinHash signatures: runs under
`.venv-peers`, imports nothing of the project.

Belongs here: the steps of datatrove's own FineWeb example, in its order. Does not belong here:
ratios (pages.py). Usage: python pages_peer.py WARM_FOLDER WARC_FOLDER OUTPUT_FOLDER LID_MODEL. The
last line of stdout is {"pages": n, "seconds": CPU seconds of the second folder, the sandboxed
extractor's included}; the first folder loads what is loaded once.
"""

from __future__ import annotations

import json
import resource
import sys


def cpu_seconds() -> float:
    """Of this process and of the children that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in usages)


def run(folder: str, output: str) -> int:
    """Pages read."""
    from datatrove.pipeline.dedup import MinhashDedupSignature
    from datatrove.pipeline.extractors import Trafilatura
    from datatrove.pipeline.filters import (
        FineWebQualityFilter,
        GopherQualityFilter,
        GopherRepetitionFilter,
        LanguageFilter,
    )
    from datatrove.pipeline.readers import WarcReader

    steps = [
        WarcReader(folder, glob_pattern="*.warc.gz"),
        # its time limit counts wall time; on a loaded machine the default of 1 s would end pages
        # that it can read
        Trafilatura(favour_precision=True, timeout=30),
        LanguageFilter(label_only=True),
        GopherRepetitionFilter(),
        GopherQualityFilter(),
        FineWebQualityFilter(),
        MinhashDedupSignature(output),
    ]
    data = None
    for step in steps:
        data = step.run(data, 0, 1)
    for _ in data or ():
        pass
    return int(steps[0].stats["documents"].total)


def main() -> None:
    from datatrove.pipeline import base
    from datatrove.utils import lid

    # fastText is there under another distribution's name than the one that is asked for
    base.check_required_dependencies = lid.check_required_dependencies = lambda *_: None
    warm, folder, output, lid.FT176LID.MODEL_URL = sys.argv[1:]
    run(warm, f"{output}/warm")
    started = cpu_seconds()
    pages = run(folder, f"{output}/signatures")
    print(json.dumps({"pages": pages, "seconds": cpu_seconds() - started}))


if __name__ == "__main__":
    main()
