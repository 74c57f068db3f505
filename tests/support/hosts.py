"""Hosts for tests: network namespaces with their own names, addresses and ssh daemons, on one file
system as with NFS.

Everything is made here and removed here; no packet leaves the namespaces. Needs root, iproute2,
openssh-server and pdsh.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

ETC = Path(
    "/etc/netns"
)  # `ip netns exec NAME` lays /etc/netns/NAME/* over /etc: the account's own ssh files are not touched


def missing() -> str:
    """Why hosts cannot be made on this machine; empty where they can."""
    if os.geteuid() != 0:
        return "root is needed to make network namespaces"
    for program in ("ip", "sshd", "ssh-keygen", "pdsh", "unshare"):
        if not shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin"):
            return f"{program} is not installed (Debian: iproute2, openssh-server, pdsh)"
    probe = f"probe{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", probe], capture_output=True).returncode:
        return "this machine lets nobody make network namespaces"
    subprocess.run(["ip", "netns", "del", probe], check=True)
    return ""


class Hosts:
    """Two hosts, `<prefix>1` and `<prefix>2`, at 10.77.0.1 and 10.77.0.2; `disk` is a small file
    system that both see."""

    def __init__(self, folder: Path, disk: Path) -> None:
        self.folder, self.disk = folder, disk
        self.names = [f"sp{os.getpid()}n{i}" for i in (1, 2)]
        self.daemons: dict[str, subprocess.Popen[bytes]] = {}
        folder.mkdir(parents=True)
        for key in ("hostkey", "id"):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key)], check=True
            )
        (folder / "authorized_keys").write_text((folder / "id.pub").read_text())
        lines = [
            f"HostKey {folder}/hostkey",
            f"AuthorizedKeysFile {folder}/authorized_keys",
            "PermitRootLogin prohibit-password",
        ]
        lines += [
            "PasswordAuthentication no",
            "StrictModes no",
            "UsePAM no",
            "MaxStartups 100",
            "PidFile none",
        ]
        (folder / "sshd_config").write_text("\n".join(lines) + "\n")
        self.hostfile = folder / "hostfile"
        self.hostfile.write_text("".join(f"{n} slots=1\n" for n in self.names))
        Path("/run/sshd").mkdir(exist_ok=True)
        for name in self.names:
            subprocess.run(["ip", "netns", "add", name], check=True)
            (ETC / name / "ssh").mkdir(parents=True)
            table = "127.0.0.1 localhost\n" + "".join(
                f"10.77.0.{i} {n}\n" for i, n in enumerate(self.names, 1)
            )
            (ETC / name / "hosts").write_text(table)
            options = [
                f"IdentityFile {folder}/id",
                "StrictHostKeyChecking no",
                "UserKnownHostsFile /dev/null",
                "LogLevel ERROR",
            ]
            (ETC / name / "ssh" / "ssh_config").write_text("Host *\n" + "".join(f"  {o}\n" for o in options))
        a, b = self.names
        subprocess.run(
            ["ip", "link", "add", "eth0", "netns", a, "type", "veth", "peer", "name", "eth0", "netns", b],
            check=True,
        )
        for number, name in enumerate(self.names, 1):
            subprocess.run(
                ["ip", "-n", name, "addr", "add", f"10.77.0.{number}/24", "dev", "eth0"], check=True
            )
            for device in ("eth0", "lo"):
                subprocess.run(["ip", "-n", name, "link", "set", device, "up"], check=True)
            self.boot(name)

    def boot(self, name: str) -> None:
        """Start the host's ssh daemon, under the host's own name, and wait until it answers."""
        sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
        script = f"hostname {name}; exec {sshd} -D -f {self.folder}/sshd_config -E {self.folder}/{name}.log"
        self.daemons[name] = subprocess.Popen(
            ["ip", "netns", "exec", name, "unshare", "--uts", "sh", "-c", script]
        )
        deadline = time.monotonic() + 60
        while subprocess.run(
            ["ip", "netns", "exec", name, "ssh", "-o", "BatchMode=yes", name, "true"], capture_output=True
        ).returncode:
            assert time.monotonic() < deadline, (self.folder / f"{name}.log").read_text()
            time.sleep(0.2)

    @property
    def shell(self) -> tuple[str, ...]:
        """ssh to the first host, the head node, as the launcher wants it."""
        control = [
            "-o",
            "ControlMaster=auto",
            "-o",
            f"ControlPath={self.folder}/c",
            "-o",
            "ControlPersist=30",
        ]
        return (
            "ip",
            "netns",
            "exec",
            self.names[0],
            "ssh",
            "-o",
            "BatchMode=yes",
            "-o",
            "ConnectTimeout=10",
            *control,
            self.names[0],
        )

    def processes(self, name: str) -> list[int]:
        """Every process of a host."""
        answer = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True)
        return [int(p) for p in answer.stdout.split()]

    def kill(self, name: str) -> None:
        """Kill -9 whatever runs on a host, its ssh daemon included."""
        for pid in self.processes(name):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.daemons.pop(name).wait()

    def link(self, name: str, state: str) -> None:
        """Take a host's link `down`, or `up` again."""
        subprocess.run(["ip", "-n", name, "link", "set", "eth0", state], check=True)

    def remove(self) -> None:
        """Kill what runs in the namespaces and remove them."""
        for name in self.names:
            if name in self.daemons:
                self.kill(name)
            subprocess.run(["ip", "netns", "del", name], check=False)
            shutil.rmtree(ETC / name, ignore_errors=True)
        with contextlib.suppress(OSError):
            ETC.rmdir()
