"""Dumps to token shards: Python, Arrow, Spark. Knows no Dagster, no torch.

Belongs here: where compiled kernels are cached. Does not belong here: any stage.
"""

import hashlib
import os
from pathlib import Path


def _kernel_cache(package: Path) -> str:
    """The folder of compiled kernels, by the sources they are made of.

    Numba keys its cache by the file of the outermost kernel alone: a change of a function that
    another module compiles in, or of a constant, would go on with the old machine code without a
    word. So every file beside a kernel counts.
    """
    marks = (b"njit", b"kernels.compiled")  # what a file with compiled functions holds
    sources = [p for p in package.rglob("*.py") if any(mark in p.read_bytes() for mark in marks)]
    folders = sorted({p.parent for p in sources})
    content = hashlib.sha256()
    for path in (p for folder in folders for p in sorted(folder.glob("*.py"))):
        content.update(path.read_bytes())
    return str(package.parent / ".cache" / "numba" / content.hexdigest()[:16])


if os.access(Path(__file__).parents[1], os.W_OK):  # elsewhere Numba finds a place of its own
    os.environ.setdefault("NUMBA_CACHE_DIR", _kernel_cache(Path(__file__).parent))
