#!/usr/bin/env bash
# Build lmplz and build_binary of KenLM into .cache/kenlm/bin from the pinned source distribution: the Python package has the
# query module alone. About 80 s of CPU. Instant when done.
set -euo pipefail
cd "$(dirname "$0")/.."

cache=.cache/kenlm
[ -x "$cache/bin/lmplz" ] && [ -x "$cache/bin/build_binary" ] && exit 0

missing=()
command -v cmake >/dev/null || missing+=(cmake)
command -v c++ >/dev/null || missing+=(build-essential)
if command -v c++ >/dev/null; then
    has() { echo "#include <$1>" | c++ -E -x c++ - >/dev/null 2>&1; }
    # Eigen is found by CMake in its own folder, so that folder is searched here too.
    echo "#include <Eigen/Core>" | c++ -I/usr/include/eigen3 -I/usr/local/include/eigen3 -E -x c++ - >/dev/null 2>&1 || missing+=(libeigen3-dev)
    has boost/program_options.hpp || missing+=(libboost-program-options-dev)
    has boost/thread.hpp || missing+=(libboost-thread-dev)
    has boost/test/unit_test.hpp || missing+=(libboost-test-dev)
    has boost/system/error_code.hpp || missing+=(libboost-system-dev)
    has zlib.h || missing+=(zlib1g-dev)
    has bzlib.h || missing+=(libbz2-dev)
    has lzma.h || missing+=(liblzma-dev)
fi
if [ ${#missing[@]} -gt 0 ]; then
    echo "kenlm: these are needed to build lmplz: apt-get install ${missing[*]}" >&2
    echo "kenlm: without lmplz everything else works; documents get no perplexity score." >&2
    exit 1
fi
python=.venv/bin/python
[ -x "$python" ] || { echo "kenlm: run tools/setup.sh first" >&2; exit 1; }

mkdir -p "$cache/bin"
"$python" -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --no-build-isolation --dest "$cache" kenlm==0.3.0
tar -xzf "$cache/kenlm-0.3.0.tar.gz" -C "$cache"
cmake -S "$cache/kenlm-0.3.0" -B "$cache/build" -DCMAKE_BUILD_TYPE=Release -DKENLM_MAX_ORDER=6 -DCMAKE_POLICY_VERSION_MINIMUM=3.5 >"$cache/build.log" 2>&1 ||
    { tail -20 "$cache/build.log" >&2; exit 1; }
cmake --build "$cache/build" --target lmplz build_binary --parallel 2 >>"$cache/build.log" 2>&1 || { tail -20 "$cache/build.log" >&2; exit 1; }
cp "$cache/build/bin/lmplz" "$cache/build/bin/build_binary" "$cache/bin/"
rm -rf "$cache/build" "$cache/kenlm-0.3.0"
echo "kenlm: built $cache/bin/lmplz and $cache/bin/build_binary"
