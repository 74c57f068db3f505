"""datatrove's path from WARC files to filtered documents with MinHash signatures: runs under `.venv-peers`, imports nothing of the project.

Belongs here: the steps of datatrove's own FineWeb example, in its order. Does not belong here: ratios (pages.py).
Usage: python pages_peer.py WARC_FOLDER OUTPUT_FOLDER LID_MODEL. The last line of stdout is {"pages": n}.
"""

from __future__ import annotations

import json
import sys


def main() -> None:
    from datatrove.pipeline.dedup import MinhashDedupSignature
    from datatrove.pipeline.extractors import Trafilatura
    from datatrove.pipeline.filters import FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter, LanguageFilter
    from datatrove.pipeline.readers import WarcReader
    from datatrove.utils.lid import FT176LID

    folder, output, model = sys.argv[1:]
    FT176LID.MODEL_URL = model
    steps = [
        WarcReader(folder, glob_pattern="*.warc.gz"),
        # its time limit counts wall time; on a loaded machine the default of 1 s would end pages that it can read
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
    print(json.dumps({"pages": int(steps[0].stats["documents"].total)}))


if __name__ == "__main__":
    main()
