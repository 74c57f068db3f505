#!/usr/bin/env bash
# Create .venv-peers with the benchmarks' peers that clash with our own pins. Instant when done.
set -euo pipefail
cd "$(dirname "$0")/.."
stamp=".venv-peers/.skypile-$(sha256sum requirements.peers.txt | cut -c1-16)"
[ -f "$stamp" ] && exit 0
[ -x .venv-peers/bin/python ] || .venv/bin/python -m venv .venv-peers
uv=$(command -v uv || true)
[ -n "$uv" ] || uv=.venv/bin/uv
"$uv" pip install --quiet --python .venv-peers/bin/python -r requirements.peers.txt
touch "$stamp"
