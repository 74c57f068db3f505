#!/usr/bin/env bash
# Full sizes, clusters and faults, one part for each test file that has such tests. A part that passed at this commit is not run
# again; each part's counts go to the month's page of the journal.
set -uo pipefail
cd "$(dirname "$0")/.."
page=docs/journal/$(date -u +%Y-%m).md
[ -f "$page" ] || echo "# $(date -u +"%B %Y")" >"$page"
commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
done_folder=.cache/test-full/$commit
mkdir -p "$done_folder"
failed=0
for file in $(grep -rl 'pytest.mark.full' tests --include='*.py' | sort); do
    stamp="$done_folder/$(echo "$file" | tr / _)"
    [ -f "$stamp" ] && { echo "$file: passed at $commit before"; continue; }
    output=$(timeout 2400 .venv/bin/python -m pytest -m full "$file" 2>&1)
    code=$?
    counts=$(echo "$output" | grep -E '(passed|failed|error|skipped).* in ' | tail -1)
    echo "$file: ${counts:-ended with code $code}"
    echo "- $(date -u +%F) make test-full at $commit, $file: ${counts:-ended with code $code}" >>"$page"
    if [ "$code" = 0 ]; then touch "$stamp"; else echo "$output" | tail -40; failed=1; fi
done
exit $failed
