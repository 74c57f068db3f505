"""Pages re-encoded in every charset that can hold them: how many are read as they were written.

Belongs here: the re-encoding, what is done to the bytes, the count. Does not belong here: the choice
of a charset (pipelines/extraction/charset.py). Pages are those of ../shared/data/webdump; Chinese ones
are also written in traditional characters (OpenCC) where the charset is one for these.

    python -m benchmarks.charsets [--quick]
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from benchmarks.signatures import hardware
from pipelines.dumps.readers import read_records
from pipelines.extraction.charset import decode

WEBDUMP = Path(__file__).resolve().parents[2] / "shared" / "data" / "webdump"
CODECS = {  # label -> Python codec that writes it: the encodings of the WHATWG standard and kin of Big5
    "utf-8": "utf-8", "gb2312": "gb2312", "gbk": "gbk", "gb18030": "gb18030", "big5": "big5hkscs",
    "big5-hkscs": "big5hkscs", "x-x-big5": "big5hkscs", "cn-big5": "big5hkscs", "shift_jis": "cp932",
    "x-sjis": "cp932", "euc-jp": "euc_jp", "iso-2022-jp": "iso2022_jp", "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be", "us-ascii": "cp1252",
    "iso-8859-1": "cp1252", "windows-1252": "cp1252", "iso-8859-2": "iso8859-2",
    "iso-8859-5": "iso8859-5", "iso-8859-7": "iso8859-7", "iso-8859-9": "cp1254",
    "iso-8859-15": "iso8859-15", "windows-1250": "cp1250", "windows-1251": "cp1251",
    "windows-1253": "cp1253", "windows-1254": "cp1254", "windows-1255": "cp1255",
    "windows-1256": "cp1256", "windows-1257": "cp1257", "windows-1258": "cp1258",
    "windows-874": "cp874", "koi8-r": "koi8-r", "koi8-u": "koi8-u", "macintosh": "mac-roman",
    "x-mac-cyrillic": "mac-cyrillic", "ibm866": "cp866",
}  # fmt: skip
UNDECLARED = ("utf-8", "gb2312", "gbk", "gb18030", "big5", "big5-hkscs", "shift_jis", "euc-jp", "euc-kr")
FOREIGN = (
    "欢迎访问本站，请记住我们的网址。",
    "版權所有，不得轉載。",
    "ありがとうございます",
    "Добро пожаловать",
)
MAX_LOST = 0.02  # share of the non-ASCII characters that may stand as character references
RIGHT, MOJIBAKE = 0.95, 0.5  # share of the non-ASCII characters read as they were written
_META = re.compile(r"<meta[^>]{0,200}?charset[^>]{0,80}>|<\?xml[^>]{0,200}>", re.IGNORECASE)
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def pages(step: int) -> Iterator[str]:
    """Every `step`-th page of the dump as text, without its declaration; pages that are neither
    UTF-8 nor GB18030 from end to end are left out."""
    for path in sorted(WEBDUMP.glob("*.warc.gz")):
        for number, record in enumerate(read_records(path, "warc", Counter())):
            if number % step:
                continue
            for codec in ("utf-8", "gb18030"):
                try:
                    text = record.body.decode(codec)
                except UnicodeDecodeError:
                    continue
                if "\ufffd" not in text and "\0" not in text:
                    yield _META.sub("", text[:100_000])
                break


def short(text: str) -> str:
    """A page of a title and the first line with six or more characters beyond ASCII."""
    for line in re.sub(r"<[^>]*>", "\n", text).split("\n"):
        if len(_NOT_ASCII.findall(line)) >= 6:
            return f"<html><head><title>-</title></head><body><p>{line.strip()[:60]}</p></body></html>"
    return ""


def write(text: str, codec: str) -> bytes | None:
    """The bytes of a page; None where the charset lacks too many of its characters."""
    high = len(_NOT_ASCII.findall(text))
    data = text.encode(codec, "xmlcharrefreplace")
    lost = sum(1 for char in _NOT_ASCII.findall(text) if not _writes(char, codec)) if high else 0
    return data if high - lost >= 1 and lost <= MAX_LOST * high else None


@lru_cache(1 << 18)
def _writes(char: str, codec: str) -> bool:
    try:
        char.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


def declared(text: str, label: str) -> str:
    meta = f'<meta charset="{label}">'
    head = re.search(r"<head[^>]{0,200}>", text, re.IGNORECASE)
    return text[: head.end()] + meta + text[head.end() :] if head else meta + text


def with_foreign_line(data: bytes, label: str, number: int) -> bytes:
    line = FOREIGN[number % len(FOREIGN)]
    strange = line.encode("gb18030" if label == "utf-8" else "utf-8")
    at = data.rfind(b"<p", 0, len(data) // 2 + 1)
    at = at if at >= 0 else data.find(b"</head>")
    return data[: max(0, at)] + b"<p>" + strange + b"</p>" + data[max(0, at) :]


def with_cut_characters(data: bytes) -> bytes:
    """Three characters lose their last byte before a tag or a space, as cut summaries do; so does the
    last of the page."""
    cuts = [found.start() for found in re.finditer(rb"[\x80-\xff](?=[<\s\"])", data)]
    for at in reversed(cuts[:: max(1, len(cuts) // 3)][:3]):
        data = data[:at] + data[at + 1 :]
    high = [found.start() for found in re.finditer(rb"[\x80-\xff]", data[-2000:])]
    return data[: len(data[:-2000]) + high[-1]] if high else data


def share_read(wanted: Counter[str], text: str) -> float:
    found = Counter(_NOT_ASCII.findall(text))
    return sum(min(count, found[char]) for char, count in wanted.items()) / max(1, wanted.total())


def cases(text: str, number: int) -> Iterator[tuple[str, str, str, bytes, str]]:
    """(form, label, text, bytes, charset of the header) of one page."""
    small = short(text)
    for size, page in (("", text), ("short ", small)):
        for label, codec in CODECS.items() if page else ():
            data = write(declared(page, label), codec)
            if data is None:
                continue
            wide = codec.startswith("utf-16")
            yield size + "declared", label, page, data, label if wide else ""
            if wide or codec == "iso2022_jp":
                continue
            bare = write(page, codec)
            assert bare is not None
            yield size + "in the header", label, page, bare, label
            high = len(_NOT_ASCII.findall(page))
            if high >= 100 and not size:
                yield "foreign line", label, page, with_foreign_line(data, label, number), ""
                yield "cut characters", label, page, with_cut_characters(data), ""
            if label in UNDECLARED and high >= (10 if size else 100):
                yield size + "undeclared", label, page, bare, ""
                yield size + "header says iso-8859-1", label, page, bare, "ISO-8859-1"
                yield size + "header says utf-8", label, page, bare, "utf-8"
                wrong = "gbk" if "big5" in label else "big5"
                yield size + "meta says " + wrong, label, page, write(declared(page, wrong), codec) or b"", ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="every 60th page instead of every tenth")
    parser.add_argument("--failures", type=int, default=0, help="print so many cases that failed")
    options = parser.parse_args()
    from opencc import OpenCC

    traditional = OpenCC("s2tw")
    total: Counter[str] = Counter()
    right: Counter[str] = Counter()
    broken: Counter[str] = Counter()
    seconds = 0.0
    for number, simplified in enumerate(pages(60 if options.quick else 10)):
        han = len(re.findall("[\u4e00-\u9fff]", simplified)) > 20
        for text in (simplified, traditional.convert(simplified)) if han else (simplified,):
            for form, label, page, data, http in cases(text, number):
                wanted = Counter(_NOT_ASCII.findall(page))
                for char in [c for c in wanted if not _writes(c, CODECS[label])]:
                    del wanted[char]
                began = time.process_time()
                read, charset = decode(data, http)
                seconds += time.process_time() - began
                share = share_read(wanted, read)
                if form in ("foreign line", "cut characters"):
                    share /= 0.97  # the cuts and the line beside them take some
                for key in (form, "all", "label " + label):
                    total[key] += 1
                    right[key] += share >= RIGHT
                    broken[key] += share < MOJIBAKE
                if share < RIGHT and options.failures > 0:
                    options.failures -= 1
                    print(f"  {form}, {label} read as {charset}, {share:.2f}: {''.join(wanted)[:40]!r}")
    for key in total:
        print(f"{key:28} {total[key]:6} pages  right {right[key] / total[key]:.4f}  mojibake {broken[key]}")
    metrics = {
        "right_charset": right["all"] / total["all"],
        "mojibake_share": broken["all"] / total["all"],
        "pages_per_cpu_second": total["all"] / seconds,
        "real_pages_per_cpu_second": _real_pages(),
    }
    metrics |= {f"right_{key.replace(' ', '_')}": right[key] / total[key] for key in total if key != "all"}
    print(
        json.dumps(
            {
                "name": "charsets",
                "metrics": {name: round(value, 4) for name, value in metrics.items()},
                "goal": {"right_charset": 0.995, "mojibake_share": 0.0},
                "hardware": hardware(),
                "command": "python -m benchmarks.charsets" + (" --quick" if options.quick else ""),
            }
        )
    )


def _real_pages() -> float:
    """Pages a CPU second over the whole web dump as it is."""
    records = [
        record for path in WEBDUMP.glob("*.warc.gz") for record in read_records(path, "warc", Counter())
    ]
    began = time.process_time()
    for record in records:
        decode(record.body, record.charset)
    return len(records) / (time.process_time() - began)


if __name__ == "__main__":
    main()
