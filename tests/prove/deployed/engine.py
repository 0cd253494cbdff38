"""Podman with a store of its own, so that nobody's images or containers are touched."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.prove.deployed import debian
from tests.prove.deployed.commands import ROOT, run

BASE = "docker.io/library/python:3.11-slim-bookworm"
COMPOSE = "podman-compose==1.6.0"

ENGINE_CONF = """[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
tmp_dir = "{folder}/tmp"
[containers]
log_driver = "k8s-file"
"""
STORE_CONF = """[storage]
driver = "overlay"
graphroot = "{folder}/store"
runroot = "{folder}/run"
"""


class Engine:
    """Builds and runs in `folder`; nothing of it is left once that is removed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.beside = {}
        for variable, name, text in (
            ("CONTAINERS_CONF", "containers.conf", ENGINE_CONF),
            ("CONTAINERS_STORAGE_CONF", "storage.conf", STORE_CONF),
        ):
            (folder / name).write_text(text.format(folder=folder))
            self.beside[variable] = str(folder / name)

    def __call__(self, *words: object, code: int | None = 0) -> str:
        """Return what a podman command said."""
        return run("podman", *words, at=self.folder, beside=self.beside, code=code)

    def base(self) -> str:
        """See to the image that ours is built on; return which it is."""
        pulled = run("podman", "pull", "--quiet", BASE, beside=self.beside, code=None)
        if self("image", "exists", BASE, code=None) == "" and "Error" not in pulled:
            return f"{BASE}, pulled"
        root = self.folder / "base"
        debian.unpack(debian.BASE, root)
        trusted = f"ENV SSL_CERT_FILE=/{debian.OF_HERE[0]}"
        words = f"tar -C {root} -c . | podman import --change '{trusted}' - {BASE}"
        run("sh", "-c", words, beside=self.beside)
        return "a Debian 12 of its own packages in the place of the official image"

    def build(self, tag: str) -> None:
        """Build the image by the Dockerfile that ships, on the network of this machine."""
        how = ("--format", "docker", "--isolation", "chroot", "--network", "host", "--pull=never")
        file = ROOT / "deploy" / "Dockerfile"
        run("podman", "build", *how, "-f", file, "-t", tag, ROOT, beside=self.beside)

    def compose(self, project: str, files: list[Path], *words: object) -> str:
        """Return what podman-compose, in a folder of its own, said."""
        tool = self.folder / "compose"
        if not tool.exists():
            run(sys.executable, "-m", "venv", tool)
            run(tool / "bin/pip", "install", "--quiet", COMPOSE)
        named = [part for file in files for part in ("-f", file)]
        whole = (tool / "bin/podman-compose", "-p", project, *named, *words)
        return run(*whole, at=files[0].parent, beside=self.beside)

    def clear(self) -> None:
        """End and remove all containers and images of this store, and leave nothing mounted."""
        self("rm", "--force", "--all", "--time", "5", "--volumes", code=None)
        self("rmi", "--force", "--all", code=None)
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        ours = [each for each in mounts if Path(each).is_relative_to(self.folder)]
        for each in reversed(ours):  # what was mounted last lies deepest
            run("umount", "--lazy", each, code=None)
