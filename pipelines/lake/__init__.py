"""The lake: published data in a folder or on S3, by content hash.

Belongs here: files, datasets, manifests, atomic publish, pointers, the build lock, garbage
collection. Does not belong here: what is inside a table (tables/), how parts are scheduled
(engine/), any stage.

This is the room's front door: other rooms import from here.
"""

from pipelines.lake.damage import damaged_parts
from pipelines.lake.dataset import Dataset, iter_parts
from pipelines.lake.errors import DamagedFile, LakeError, MissingDataset, NoSpace, plain_name, safe_name
from pipelines.lake.files import LakeFiles
from pipelines.lake.hashing import canonical_json, digest, logical_hash, refuse_not_finite
from pipelines.lake.lake import Built, Lake, recompute_key
from pipelines.lake.manifest import LINEAGE, MANIFEST, Manifest, Part
from pipelines.lake.writer import Writer

__all__ = [
    "LINEAGE",
    "MANIFEST",
    "Built",
    "DamagedFile",
    "Dataset",
    "Lake",
    "LakeError",
    "LakeFiles",
    "Manifest",
    "MissingDataset",
    "NoSpace",
    "Part",
    "Writer",
    "canonical_json",
    "damaged_parts",
    "digest",
    "iter_parts",
    "logical_hash",
    "plain_name",
    "recompute_key",
    "refuse_not_finite",
    "safe_name",
]
