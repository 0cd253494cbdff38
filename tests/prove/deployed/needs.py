"""What this proof asks of the machine, and Debian's packages of it."""

from __future__ import annotations

import os
import shutil
import urllib.request

import pytest

MIRROR = "http://deb.debian.org/debian"

BOOTED = {
    "debootstrap": "debootstrap",
    "systemd-nspawn": "systemd-container",
    "nsenter": "util-linux",
}
CONTAINED = {"debootstrap": "debootstrap", "podman": "podman", "runc": "runc"}


def ask_for(programs: dict[str, str]) -> None:
    """Skip with a plain reason where something is missing."""
    if os.geteuid() != 0:
        pytest.skip("only root boots a machine or builds a base for an image")
    missing = sorted({package for name, package in programs.items() if not shutil.which(name)})
    if missing:
        pytest.skip(f"not installed: apt-get install {' '.join(missing)}")
    try:
        urllib.request.urlopen(f"{MIRROR}/dists/bookworm/Release", timeout=20).close()
    except OSError as error:
        pytest.skip(f"Debian's packages cannot be fetched: {error}")
