#!/usr/bin/env bash
# Create .venv-docs with what builds the documentation. Called by make docs; instant when done.
set -euo pipefail
cd "$(dirname "$0")/.."
stamp=".venv-docs/.skypile-$(sha256sum requirements.docs.txt | cut -c1-16)"
[ -f "$stamp" ] && exit 0
echo "docs: installing $(grep -c == requirements.docs.txt) pinned packages into .venv-docs"
[ -x .venv-docs/bin/python ] || .venv/bin/python -m venv .venv-docs
.venv-docs/bin/python -m pip install -qq --disable-pip-version-check -r requirements.docs.txt
rm -f .venv-docs/.skypile-*
touch "$stamp"
