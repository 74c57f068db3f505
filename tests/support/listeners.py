"""What a rank listens on while it trains: `main([folder])` inside `tests.support.ranks`."""

from __future__ import annotations

import json
import os
import socket
import struct
from pathlib import Path

from model.training import distributed

LISTEN = "0A"


def address(text: str) -> str:
    """The address of a line of /proc/net/tcp or tcp6: words of 32 bits, little-endian."""
    words = [struct.pack("<I", int(text[i : i + 8], 16)) for i in range(0, len(text), 8)]
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    return socket.inet_ntop(family, b"".join(words))


def listening() -> list[str]:
    """The addresses on which this process listens."""
    own = {os.readlink(p) for p in Path("/proc/self/fd").iterdir() if p.is_symlink()}
    found = []
    for name in ("tcp", "tcp6"):
        for line in Path("/proc/self/net", name).read_text().splitlines()[1:]:
            columns = line.split()
            if columns[3] == LISTEN and f"socket:[{columns[9]}]" in own:
                found.append(address(columns[1].partition(":")[0]))
    return sorted(found)


def main(arguments: list[str]) -> int:
    """Write the addresses of this rank to `folder/<rank>.json`, and what `gather_json` gives."""
    distributed.start()
    gathered = distributed.gather_json({"rank": distributed.rank(), "text": "é" * distributed.rank()})
    addresses = listening()
    distributed.barrier()
    value = {"addresses": addresses, "gathered": gathered}
    Path(arguments[0], f"{distributed.rank()}.json").write_text(json.dumps(value))
    distributed.stop()
    return 0
