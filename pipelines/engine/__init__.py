"""Where work over parts runs: in Spark, or in this process.

Belongs here: the engines and their protocol, Arrow rows through Spark's workers, CPU time. Does not
belong here: what is done to a part.

This is the room's front door: other rooms import from here.
"""

from pipelines.engine.arrow_rows import collect_parts, map_arrow, rows_of_parts
from pipelines.engine.cpu_time import tree_cpu_seconds
from pipelines.engine.in_process import InProcess
from pipelines.engine.protocol import Engine
from pipelines.engine.spark import Spark, find_java

__all__ = [
    "Engine",
    "InProcess",
    "Spark",
    "collect_parts",
    "find_java",
    "map_arrow",
    "rows_of_parts",
    "tree_cpu_seconds",
]
