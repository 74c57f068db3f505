#!/usr/bin/env bash
# Run the GPU kit: with .venv's Python where its torch sees a GPU, else with the machine's own and the wheels of .gpu/wheels.
# usage: tools/gpu.sh [PART ...]
set -euo pipefail
cd "$(dirname "$0")/.."

sees_gpu='import sys, torch; sys.exit(not torch.cuda.is_available())'
python=.venv/bin/python
if ! { [ -x "$python" ] && "$python" -c "$sees_gpu" 2>/dev/null; } && python3 -c "$sees_gpu" 2>/dev/null; then
    python=python3
    if compgen -G '.gpu/wheels/*.whl' >/dev/null; then
        site=$(mktemp -d)
        trap 'rm -rf "$site"' EXIT
        python3 -m pip install --quiet --no-index --no-deps --no-compile --target "$site" .gpu/wheels/*.whl
        export PYTHONPATH="$PWD:$site"
    fi
fi
if [ "$python" = .venv/bin/python ] && ! [ -x "$python" ]; then
    echo "gpu: neither .venv nor python3 has a torch that sees a GPU: run make setup for the dry run on a CPU" >&2
    exit 1
fi
PYTHONPATH="${PYTHONPATH:-$PWD}" "$python" -m benchmarks.gpu "$@"
