"""Compile our account contract into package data; run at set-up, a no-op when unchanged.

The local chain's stand-ins, contracts/devnet, are compiled by the devnet when it needs them.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
ARTIFACTS: Final = HERE.parent / "src" / "leverd" / "adapters" / "evm" / "artifacts"


def compile_to(source: Path, folder: Path) -> bool:
    """Write `source`'s artifact into `folder`; return whether it had to be compiled."""
    text = source.read_text(encoding="utf-8")
    compiler = f"vyper {version('vyper')}"
    digest = hashlib.sha256(f"{compiler}\n{text}".encode()).hexdigest()
    target = folder / f"{source.stem}.json"
    if target.exists() and json.loads(target.read_text("utf-8")).get("source_sha256") == digest:
        return False
    from vyper.compiler import compile_code  # noqa: PLC0415  # a second to import, rarely needed

    out = compile_code(text, output_formats=["abi", "bytecode", "bytecode_runtime"])
    artifact = {
        "abi": out["abi"],
        "bytecode": out["bytecode"],
        "runtime_bytecode": out["bytecode_runtime"],
        "compiler": compiler,
        "source_sha256": digest,
    }
    folder.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(f".{os.getpid()}.part")  # two may compile at once
    part.write_text(json.dumps(artifact, indent=1) + "\n", encoding="utf-8")
    part.replace(target)
    return True


def main() -> int:
    """Compile everything and say what was compiled."""
    for source in sorted(HERE.glob("*.vy")):
        if compile_to(source, ARTIFACTS):
            sys.stdout.write(f"compiled contracts/{source.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
