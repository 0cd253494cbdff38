"""A small Debian of our own: made once, and unpacked anew for each proof."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.prove.deployed.commands import ROOT, run
from tests.prove.deployed.needs import MIRROR

KEPT = ROOT / os.environ.get("LEVERD_PROVE_STATE", "var/simulation") / "debian"
"""Remove it to have the packages of today."""

NAME = "leverd-proof"

BOOTED = (
    "systemd", "systemd-sysv", "dbus", "libpam-systemd", "sudo", "procps", "iproute2", "curl",
    "python3", "python3-venv", "ca-certificates",
)  # fmt: skip
BASE = ("python3", "python3-venv", "python-is-python3", "ca-certificates")

OF_HERE = ("etc/ssl/certs/ca-certificates.crt", "etc/pip.conf")
"""How this machine reaches the package index; some do so through a proxy of their own."""


def unpack(packages: Sequence[str], to: Path) -> None:
    """Put a Debian 12 with `packages` into the new folder `to`."""
    name = hashlib.sha256(" ".join(packages).encode()).hexdigest()[:12]
    archive = KEPT / f"bookworm-{name}.tar"
    if not archive.exists():
        _make(packages, archive)
    to.mkdir(parents=True)
    run("tar", "-C", to, "-xf", archive)
    (to / "etc/hostname").write_text(f"{NAME}\n")
    (to / "etc/hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {NAME}\n")
    for each in OF_HERE:
        if (Path("/") / each).exists():
            shutil.copyfile(Path("/") / each, to / each)


def _make(packages: Sequence[str], archive: Path) -> None:
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="leverd-debian-") as folder:
        root = Path(folder) / "root"
        include = f"--include={','.join(packages)}"
        run("debootstrap", "--variant=minbase", include, "bookworm", root, MIRROR)
        half = archive.with_suffix(".half")
        run("tar", "-C", root, "-cf", half, ".")
        half.rename(archive)
