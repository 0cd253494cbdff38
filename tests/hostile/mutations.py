"""Settings files as no owner would write them: the shipped and the live one, spoilt by a seed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Final

from leverd.settings import starter

SHIPPED: Final = (Path(__file__).parents[2] / "config" / "settings.yaml").read_text("utf-8")
_ADDRESS: Final = "0x" + "1f" * 20
_FILLED: Final = {
    "chain": {"id": "1", "rpc": "[https://one.example/x, https://two.example]",
              "profile": "ethereum"},
    "tokens": {"WETH": f"{{address: '{_ADDRESS}', decimals: 18}}",
               "USDC": f"{{address: '{_ADDRESS[:-1]}0', decimals: 6}}"},
    "venues": {"aave": f"{{kind: aave_v3, provider: '{_ADDRESS}'}}",
               "weth-usdc-500": "{kind: uniswap_v3, tokens: [WETH, USDC], fee: 500, "
                                f"factory: '{_ADDRESS}', quoter: '{_ADDRESS}'}}"},
    "key": {"keystore": "operator.json"},
}  # fmt: skip
_LINE: Final = re.compile(r"^( *)([A-Za-z_0-9-]+):( *)([^#\n]*?)( *#.*)?$")

HOSTILE_VALUES: Final = (
    "-1", "0", "1e999", "-1e999", "1e-999", "9" * 30, "9" * 5_000, "0." + "3" * 5_000, "nan",
    ".nan", ".inf", "-.inf", "Infinity", "NaN", "0x10", "0o17", "1_0", "1__0", "+5", "1:30",
    "true", "yes", "null", "~", "''", "' '", "[]", "{}", "[[[]]]", "{a: {b: c}}", "2026-01-01",
    "!!python/object/apply:os.system [id]", "!!binary aGk=", "!!int x", "!!set {a, b}", "!secret x",
    "!!float 1", "&a [*a]", "*nothing", "&a {b: *a}", "<<", "'\\0'", '"\\0"', '"\\ud800"',
    '"\\U0010FFFF"', '"a\\tb\\nc"', "\u202e\u0661\u0662", "\u0663", "\uff11", "\u2028",
    "\U0001f4a5", "é" * 300, "x" * 5_000, "'{mode}'", "'{mode}{mode}'", "../../../etc/passwd",
    "/dev/zero",
    "/dev/stdin", "http://[::1", "http://host:99999/", "http://host:port", "https://", "http://[x]/",
    "file:///etc/passwd", "https://user:pw@host/path?q", "0x" + "1" * 40, "0x" + "g" * 40,
    "0x" + "\u0661" * 40, "0x" + "a" * 64, "word " * 12, "- x", "? x", ": x", "%TAG", "---", "...",
    "@x", "`x`", "{", "[", "'", '"', "|", ">", "|9", "#", "postgresql://u:p@h/db", "devnet", "live",
    "USD", "WETH", "none", "aave", "leverage_loop", "18446744073709551616", "-0", "-0.0", "1.",
    ".5", "1e5", "1E+2", "00012", "256", "50", "1000000",
)  # fmt: skip


def filled_live() -> str:
    """Return the live template with everything an owner must say."""
    values = _leaves(SHIPPED)
    lines, section = [], ""
    for line in starter("live").splitlines():
        found = _LINE.match(line)
        if not found:
            lines.append(line)
            continue
        indent, key, _, value, comment = found.groups()
        section = key if not indent else section
        said = _FILLED.get(section, {}).get(key) if indent else None
        if said is None and not value:
            said = values.get((section, key), "")
        lines.append(f"{indent}{key}: {said or value} {comment or ''}".rstrip())
    return "\n".join(lines) + "\n"


def mutant(seed: int) -> bytes:
    """Return the file of `seed`: one to five mutations, some by line, some by byte."""
    draw = Random(seed)
    text = draw.choice((SHIPPED, filled_live()))
    for _ in range(draw.choice((1, 1, 1, 2, 3, 5))):
        text = draw.choice(_BY_TEXT)(text, draw)
    raw = text.encode("utf-8", "surrogatepass")
    return draw.choice(_BY_BYTES)(raw, draw) if draw.random() < 0.15 else raw


def _leaves(text: str) -> dict[tuple[str, str], str]:
    found, section = {}, ""
    for line in text.splitlines():
        if match := _LINE.match(line):
            section = match[2] if not match[1] else section
            found[section, match[2]] = match[4]
    return found


def _edit(text: str, draw: Random, change: Callable[[re.Match[str]], str]) -> str:
    lines = text.splitlines()
    keyed = [index for index, line in enumerate(lines) if _LINE.match(line)]
    if not keyed:
        return text + "x: 1\n"
    index = draw.choice(keyed)
    found = _LINE.match(lines[index])
    assert found is not None
    lines[index] = change(found)
    return "\n".join(lines) + "\n"


def _other_value(text: str, draw: Random) -> str:
    return _edit(text, draw, lambda m: f"{m[1]}{m[2]}: {draw.choice(HOSTILE_VALUES)}")


def _other_number(text: str, draw: Random) -> str:
    digits = draw.choice((1, 1, 2, 3, 18, 40))
    number = f"{draw.choice(('', '-'))}{draw.randrange(10**digits)}{draw.choice(('', '.5', 'e9'))}"
    return _edit(text, draw, lambda m: f"{m[1]}{m[2]}: {number}")


def _typo(text: str, draw: Random) -> str:
    def spoil(found: re.Match[str]) -> str:
        key, at = found[2], draw.randrange(len(found[2]))
        other = draw.choice((key[:at] + key[at + 1 :], key[:at] + "x" + key[at:], key.upper(),
                             key[:at] + key[at:][::-1], draw.choice(HOSTILE_VALUES)))  # fmt: skip
        return f"{found[1]}{other}: {found[4]}"

    return _edit(text, draw, spoil)


def _delete(text: str, draw: Random) -> str:
    return _edit(text, draw, lambda _: "")


def _double(text: str, draw: Random) -> str:
    return _edit(text, draw, lambda m: f"{m[0]}\n{m[0]}")


def _indent(text: str, draw: Random) -> str:
    by = draw.choice((" ", "  ", "      ", "\t"))
    return _edit(text, draw, lambda m: draw.choice((by + m[0], m[0].lstrip(), by + m[0].lstrip())))


def _swap(text: str, draw: Random) -> str:
    lines = text.splitlines()
    one, other = draw.randrange(len(lines)), draw.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return "\n".join(lines) + "\n"


def _nest(text: str, draw: Random) -> str:
    depth = draw.choice((3, 19, 21, 200, 2_000))
    ends = draw.choice(("[]", "{}"))
    nested = ends[0] * depth if draw.random() < 0.2 else ends[0] * depth + ends[1] * depth
    return _edit(text, draw, lambda m: f"{m[1]}{m[2]}: {nested.replace('{', '{a: ')}")


def _bomb(text: str, draw: Random) -> str:
    """Add aliases of aliases: as values, as keys, or of themselves."""
    name, width = f"b{draw.randrange(10**6)}", draw.choice((2, 9))
    levels = [f"{name}0: &{name}0 [lol, lol]"]
    levels += [
        f"{name}{n}: &{name}{n} [{', '.join([f'*{name}{n - 1}'] * width)}]"
        for n in range(1, draw.choice((4, 12, 30)))
    ]
    last = f"*{name}{len(levels) - 1}"
    last_line = (
        f"? {last}\n: 1",
        f"<<: {last}",
        f"agents_path: {last}",
        f"&k{name} [*k{name}]: 1",
        f"x: &k{name} {{? *k{name} : 1}}",
    )
    levels.append(draw.choice(last_line))
    return text + "\n".join(levels) + "\n"


def _insert(text: str, draw: Random) -> str:
    at = draw.randrange(len(text) + 1)
    odd = ("\t", "\r", "\x00", "\x07", "\x85", "\ufeff", "\u2029", "\ud800", "\U0001f4a5", "{", "]",
           ":", "- ", "&", "*", "!", "|", ">", "'", '"', "%", "@", "#", "? ", "\n---\n", "\n...\n",
           "\n%YAML 9.9\n---\n", "é", "x" * 3_000, " " * 3_000, "\n" * 50)  # fmt: skip
    return text[:at] + draw.choice(odd) + text[at:]


def _cut(text: str, draw: Random) -> str:
    return text[: draw.randrange(len(text) + 1)]


def _many_modes(text: str, draw: Random) -> str:
    """Make what stands for the mode long, and have it stand often."""
    mode = f"mode: {'m' * draw.choice((10, 20_000))}"
    longer = re.sub(r"^mode: \S+", mode, text, flags=re.MULTILINE)
    return longer.replace("logs/leverd.log", "x" + "{mode}" * draw.choice((3, 5_000)))


def _many_keys(text: str, draw: Random) -> str:
    width = draw.choice((3, 300))
    more = "\n".join(f"leverage_{draw.choice('maxyz')}{n}: {n}" for n in range(width))
    indented = more.replace("\n", "\n  ")
    return text.replace("  health_min:", f"  {indented}\n  health_min:", 1) + more + "\n"


_BY_TEXT: Final = (
    _other_value, _other_value, _other_value, _other_value, _other_number, _other_number, _typo,
    _delete, _double, _indent, _swap, _nest, _bomb, _insert, _cut, _many_modes, _many_keys,
)  # fmt: skip


def _noise(raw: bytes, draw: Random) -> bytes:
    at = draw.randrange(len(raw) + 1)
    return raw[:at] + draw.randbytes(draw.choice((1, 4, 300))) + raw[at:]


def _all_noise(_: bytes, draw: Random) -> bytes:
    return draw.randbytes(draw.randrange(3_000))


def _bom(raw: bytes, _: Random) -> bytes:
    return b"\xef\xbb\xbf" + raw


def _utf16(raw: bytes, draw: Random) -> bytes:
    text = raw.decode("utf-8", "replace")
    return text.encode(draw.choice(("utf-16", "utf-32", "utf-16-le")))


def _too_long(raw: bytes, draw: Random) -> bytes:
    return raw + draw.choice((b"#", b"\n", b" ", b"[")) * 1_000_001


def _windows(raw: bytes, _: Random) -> bytes:
    return raw.replace(b"\n", b"\r\n")


_BY_BYTES: Final = (_noise, _noise, _all_noise, _bom, _utf16, _too_long, _windows)
