"""Contract code: the published artifacts that npm fetched, and our own compiled Vyper."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from leverd.devnet import places
from leverd.errors import OwnerError

AAVE: Final = "@aave/core-v3/artifacts/contracts"
UNISWAP_CORE: Final = "@uniswap/v3-core/artifacts/contracts"
UNISWAP_PERIPHERY: Final = "@uniswap/v3-periphery/artifacts/contracts"


@dataclass(frozen=True, slots=True)
class Code:
    """A contract ready to deploy: `creation` without constructor words, `runtime` as it stands."""

    creation: bytes
    runtime: bytes


@cache
def published(package: str, path: str) -> Any:
    """Return one artifact file, e.g. `published(AAVE, "protocol/pool/Pool")`.

    Raises:
        OwnerError: npm has not fetched it.
    """
    name = path.rsplit("/", maxsplit=1)[-1]
    file = places.node_modules() / package / f"{path}.sol" / f"{name}.json"
    if not file.is_file():
        raise OwnerError(
            f"no artifact at {file}", number=42, remedy="run `npm ci --ignore-scripts`"
        )
    return json.loads(file.read_bytes())


def creation(package: str, path: str, libraries: Mapping[str, str] | None = None) -> bytes:
    """Return an artifact's creation code with every library reference filled in."""
    artifact = published(package, path)
    code = artifact["bytecode"].removeprefix("0x")
    for names in artifact["linkReferences"].values():
        for name, spots in names.items():
            address = (libraries or {})[name].removeprefix("0x").lower()
            for spot in spots:
                start = spot["start"] * 2
                code = code[:start] + address + code[start + spot["length"] * 2 :]
    return bytes.fromhex(code)


def ours(name: str) -> Code:
    """Return the devnet contract `name`, compiled now if its source is newer than its build.

    Raises:
        OwnerError: there is no such source.
    """
    source = places.contract_sources() / f"{name}.vy"
    if not source.is_file():
        raise OwnerError(f"no contract source at {source}", number=43)
    text = source.read_text()
    digest = hashlib.sha256(text.encode()).hexdigest()
    build = places.contract_builds() / "devnet" / f"{name}.json"
    kept = _kept(build, digest)
    return kept or _compile(text, digest, build)


def _kept(build: Path, digest: str) -> Code | None:
    try:
        kept = json.loads(build.read_bytes())
    except (OSError, ValueError):
        return None
    if kept.get("source_sha256") != digest:
        return None
    return Code(bytes.fromhex(kept["creation"]), bytes.fromhex(kept["runtime"]))


def _compile(text: str, digest: str, build: Path) -> Code:
    from vyper import compile_code  # noqa: PLC0415 -- half a second, needed once per change

    made = compile_code(text, output_formats=["bytecode", "bytecode_runtime"])
    code = Code(
        bytes.fromhex(made["bytecode"].removeprefix("0x")),
        bytes.fromhex(made["bytecode_runtime"].removeprefix("0x")),
    )
    build.parent.mkdir(parents=True, exist_ok=True)
    part = build.with_suffix(f".{os.getpid()}.part")  # two processes may compile at once
    part.write_text(
        json.dumps(
            {
                "source_sha256": digest,
                "creation": code.creation.hex(),
                "runtime": code.runtime.hex(),
            }
        )
    )
    part.replace(build)
    return code
