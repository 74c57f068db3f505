"""What the sample is packed from: real pages with free licences, code, and pairs of question and
answer.

Belongs here: Debian's HTML documentation or else a slice of Common Crawl, the standard library's
code, choosing among them. Does not belong here: files and cards (pack.py, sample.py).

Choices go by hash. Pages get addresses under `.invalid` (RFC 2606), since the same page stands at
many places on the web.
"""

from __future__ import annotations

import ast
import hashlib
import html
import re
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.demo.crawl_slice import LICENCE, fetch_slice, slice_pages
from jobs.demo.pack import HAN, TAGS, PageFile
from pipelines.lake import LakeError, digest


@dataclass(frozen=True)
class Package:
    """A Debian package of HTML documentation: where its pages lie, and under which licence."""

    name: str
    root: str
    licence: str
    pattern: str = "**/*.html"


PACKAGES = (
    Package("libreoffice-help-zh-cn", "usr/share/libreoffice/help/zh-CN/text", "MPL-2.0"),
    Package("git-doc", "usr/share/doc/git-doc", "GPL-2.0-only"),
    Package("debian-faq", "usr/share/doc/debian/FAQ", "GPL-2.0-or-later"),
    Package("debian-faq-zh-cn", "usr/share/doc/debian/FAQ/zh-cn", "GPL-2.0-or-later"),
    Package("maint-guide-zh-cn", "usr/share/doc/maint-guide-zh-cn/html", "GPL-2.0-or-later"),
    Package("developers-reference", "usr/share/developers-reference", "GPL-2.0-or-later"),
    Package("debian-reference-zh-cn", "usr/share/debian-reference", "GPL-2.0-or-later", "*.zh-cn.html"),
    Package("debian-reference-en", "usr/share/debian-reference", "GPL-2.0-or-later", "*.en.html"),
)
REFERENCE = ("debian-reference-zh-cn", "debian-reference-en")
HELP = "libreoffice-help-zh-cn"
HELP_PAGES = {"zh": 1150, "en": 250}  # of 2,561; those of the language with enough text, chosen by hash
HELP_TEXT = 200  # characters of text that a help page must have
REFERENCE_SHARE = 0.15  # of the pages of a crawl slice: they stand in for the reference
PAGE_BYTES = 80_000  # larger pages are whole books in one file: few, and most of the text
CODE_BYTES = 60_000
PAIRS = {"train": 220, "test": 60, "reference": 60}
_SECTION = re.compile(r'(?=<div class="section">)')


def share(*parts: str) -> float:
    """A fixed number in [0, 1) for a name."""
    return int(digest("sample-pages", *parts)[:13], 16) / 16**13


def _run(command: list[str], folder: Path) -> str:
    """Run a command; "" where it went well, else the last line of what it said."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return (
        ""
        if done.returncode == 0
        else (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    )


def packages_in(cache: Path, progress: Callable[[str], object]) -> dict[str, Path]:
    """The packages' files in the cache, downloaded where missing. Raises LakeError with the reason
    where they cannot be had."""
    cache.mkdir(parents=True, exist_ok=True)

    def have() -> dict[str, Path]:
        return {p.name: found[-1] for p in PACKAGES if (found := sorted(cache.glob(f"{p.name}_*.deb")))}

    missing = [p.name for p in PACKAGES if p.name not in have()]
    if missing and not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise LakeError("this machine has no apt-get and dpkg-deb")
    if missing:
        progress(f"sample: downloading {len(missing)} Debian packages of documentation")
        error = _run(["apt-get", "download", *missing], cache)
        if error:  # the package lists may be old or absent; updating them needs rights that may not be there
            _run(["apt-get", "update"], cache)
            error = _run(["apt-get", "download", *missing], cache)
        missing = [p.name for p in PACKAGES if p.name not in have()]
        if missing:
            raise LakeError(f"apt-get could not download {', '.join(missing)} ({error})")
    return have()


def _help(reason: str) -> str:
    return (
        f"The sample dumps cannot be made: {reason}. Use files of your own instead: write a dump card such "
        f"as\n"
        "  name: mine\n  kind: warc        # or wet, jsonl, parquet\n  uris: [/path/to/*.warc.gz]\n  "
        "category: webpages\n"
        "to <lake>/cards/dumps/mine.yaml and name it in a release card."
    )


def _pages(package: Package, deb: Path) -> Iterator[PageFile]:
    """The HTML files of a package, in the order of their paths."""
    with tempfile.TemporaryDirectory(prefix="skypile-deb-") as folder:
        error = _run(["dpkg-deb", "-x", str(deb.resolve()), folder], Path(folder))
        if error:
            raise LakeError(f"{deb}: {error}; delete the file and run again")
        root = Path(folder, package.root)
        for path in sorted(root.glob(package.pattern)):
            if path.is_file() and not path.is_symlink():
                yield PageFile(
                    f"https://docs.{package.name}.invalid/{path.relative_to(root).as_posix()}",
                    package.name,
                    path.read_bytes(),
                )


def _sections(page: PageFile) -> Iterator[PageFile]:
    """A long chapter as one page for each section, as an encyclopedia has them."""
    markup = page.data.decode("utf-8", "replace")
    language = "zh-CN" if page.package.endswith("zh-cn") else "en"
    chapter = page.url.rsplit("/", 1)[-1].split(".")[0]
    for number, piece in enumerate(_SECTION.split(markup)[1:], 1):
        heading = re.search(r"<h\d[^>]*>(.*?)</h\d>", piece, re.DOTALL)
        title = html.unescape(TAGS.sub("", heading[1])).strip() if heading else chapter
        head = f'<head><meta charset="utf-8"><title>{html.escape(title)}</title></head>'
        text = f'<!DOCTYPE html>\n<html lang="{language}">{head}\n<body>{piece}</body></html>\n'
        yield PageFile(
            f"{page.url.rsplit('/', 1)[0]}/{chapter}/section-{number:03d}.html", page.package, text.encode()
        )


def standard_library() -> list[tuple[str, str, str]]:
    """(top module, path, text) of standard library files, tests and generated tables left out."""
    root = Path(sysconfig.get_paths()["stdlib"])
    found = []
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root).as_posix()
        parts = name.split("/")
        if {
            "test",
            "tests",
            "site-packages",
            "dist-packages",
            "idlelib",
            "__pycache__",
            "lib2to3",
            "turtledemo",
        } & set(parts) or parts[0].startswith("_sysconfigdata"):
            continue
        if 400 < path.stat().st_size < CODE_BYTES:
            text = path.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n")
            found.append((parts[0].removesuffix(".py"), name, text))
    return found


def _python_pairs(files: list[tuple[str, str, str]]) -> Iterator[tuple[str, str]]:
    """(group, question and answer) from the docstrings of public functions."""
    for module, name, text in files:
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError):
            continue
        dotted = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for node in tree.body:
            if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
                continue
            paragraphs = (ast.get_docstring(node) or "").split("\n\n")
            answer = " ".join(" ".join(paragraphs[:2]).split())
            if 60 <= len(answer) <= 500 and ">>>" not in answer:
                what = "function" if isinstance(node, ast.FunctionDef) else "class"
                yield (
                    module,
                    f"Question: What does the {what} `{node.name}` of the Python module `{dotted}` "
                    f"do?\nAnswer: {answer}",
                )


def _help_pairs(pages: Iterable[PageFile]) -> Iterator[tuple[str, str]]:
    """(group, question and answer) from the title and first paragraph of Chinese help pages."""
    for page in pages:
        markup = page.data.decode("utf-8", "replace")
        title = re.search(r"<title>(.*?)</title>", markup, re.DOTALL)
        first = re.search(r'<p id="[^"]*" class="paragraph"[^>]*>(.*?)</p>', markup, re.DOTALL)
        if not title or not first:
            continue
        answer = " ".join(html.unescape(TAGS.sub("", first[1])).split())
        name = " ".join(html.unescape(title[1]).split())
        if 25 <= len(answer) <= 300 and len(HAN.findall(answer)) * 2 > len(answer) and name:
            yield page.url, f"问题：LibreOffice 帮助的“{name}”一节讲的是什么？\n回答：{answer}"


def _split(groups: Iterable[tuple[str, str]]) -> dict[str, list[tuple[str, str]]]:
    """Pairs by split; a group is in one split. Within a split in the order of a hash, and no text
    twice."""
    chosen: dict[str, list[tuple[str, str]]] = {name: [] for name in PAIRS}
    seen: set[str] = set()
    for group, text in sorted(groups, key=lambda pair: digest("pair", *pair)):
        place = share("pair-group", group)
        name = "train" if place < 0.6 else "test" if place < 0.8 else "reference"
        if text not in seen and len(chosen[name]) < PAIRS[name]:
            seen.add(text)
            chosen[name].append((group, text))
    return chosen


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@dataclass(frozen=True)
class Sources:
    """What the dumps are packed from: web pages, reference pages, pairs by split, and what each
    came from."""

    web: list[PageFile]
    reference: list[PageFile]
    pairs: dict[str, list[tuple[str, str]]]
    packages: dict[str, dict[str, Any]]

    @property
    def held(self) -> set[str]:
        """Groups of the test and reference pairs: kept out of the other dumps, so that leakage
        measures the pairs."""
        return {group for name in ("test", "reference") for group, _ in self.pairs[name]}


def package_sources(debs: dict[str, Path], code: list[tuple[str, str, str]]) -> Sources:
    """From Debian's packages of documentation."""
    by_package = {p.name: list(_pages(p, debs[p.name])) for p in PACKAGES}
    packages = {
        p.name: {
            "file": debs[p.name].name,
            "bytes": debs[p.name].stat().st_size,
            "sha256": sha256(debs[p.name]),
            "licence": p.licence,
            "pages": len(by_package[p.name]),
        }
        for p in PACKAGES
    }
    sections = [s for name in REFERENCE for page in by_package[name] for s in _sections(page)]
    made = Sources([], sections, _split([*_python_pairs(code), *_help_pairs(by_package[HELP])]), packages)
    web = made.web
    left = dict(HELP_PAGES)
    for page in sorted(by_package[HELP], key=lambda p: share(p.url)):
        if page.url not in made.held and left[page.language] and len("".join(page.text.split())) >= HELP_TEXT:
            left[page.language] -= 1
            web.append(page)
    web += [
        page for p in PACKAGES if p.name != HELP and p.name not in REFERENCE for page in by_package[p.name]
    ]
    web[:] = sorted((p for p in web if len(p.data) <= PAGE_BYTES), key=lambda p: p.url)
    return made


def crawl_sources(
    cache: Path, reason: str, code: list[tuple[str, str, str]], progress: Callable[[str], object]
) -> Sources:
    """From a slice of Common Crawl; LakeError with what can be done instead where that cannot be
    had either."""
    progress(f"sample: {reason}; reading a slice of Common Crawl instead")
    try:
        found = fetch_slice(cache)
        pages = [PageFile(url, "common-crawl", data) for url, data in slice_pages(found.path)]
    except LakeError as error:
        raise LakeError(_help(f"{reason}, and {error}")) from None
    pages = [p for p in pages if len("".join(p.text.split())) >= HELP_TEXT]
    if not pages:
        raise LakeError(_help(f"{reason}, and {found.url} holds no page that can be used"))
    here = {
        "file": found.url,
        "bytes": found.path.stat().st_size,
        "sha256": sha256(found.path),
        "licence": LICENCE,
        "pages": len(pages),
    }
    reference = [p for p in pages if share("reference", p.url) < REFERENCE_SHARE]
    web = sorted((p for p in pages if share("reference", p.url) >= REFERENCE_SHARE), key=lambda p: p.url)
    return Sources(web, reference, _split(_python_pairs(code)), {"common-crawl": here})
