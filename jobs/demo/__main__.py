"""`python -m jobs.demo`."""

import argparse
import sys
import warnings

from jobs.demo.demo import run

argparse.ArgumentParser(
    prog="python -m jobs.demo",
    description="Run the whole graph on real pages in the lake of SKYPILE_LAKE (default: lake/), about 5 "
    "minutes; what is done is not done again. It takes no arguments.",
).parse_args()
warnings.filterwarnings("ignore")
sys.exit(run())
