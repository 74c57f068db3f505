"""`python -m jobs.demo`."""

import sys
import warnings

from jobs.demo.demo import run

warnings.filterwarnings("ignore")
sys.exit(run())
