"""Pages of the documentation site that are kept elsewhere, and links out of its folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from typer.main import get_command

from leverd.cli.api_server import app_of
from leverd.cli.given import settings_of
from leverd.cli.main import app

ROOT: Final = Path(__file__).resolve().parent.parent
DOCS: Final = ROOT / "docs"
SETTINGS: Final = ROOT / "config" / "settings.yaml"
_LINK: Final = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")
_FENCE: Final = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_MOVED: Final = {"README.md": "index.md", "CHANGELOG.md": "changelog.md",
                 "config/settings.yaml": "reference/settings.md"}  # fmt: skip
"""Files outside of the folder that are pages of the site."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Return `files` and the pages made from what is kept elsewhere."""
    made = {
        "index.md": (ROOT / "README.md").read_text("utf-8"),
        "changelog.md": (ROOT / "CHANGELOG.md").read_text("utf-8"),
        "reference/settings.md": settings_page(),
        "reference/commands.md": commands_page(),
        "reference/routes.md": routes_page(),
    }
    for path, text in made.items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Return the page's text with every link going to a page, or naming a file of the sources."""
    at = page.file.src_uri
    home = ROOT if at in {"index.md", "changelog.md"} else (DOCS / at).parent
    parts, end = [], 0
    for fence in _FENCE.finditer(markdown):
        parts += [_relinked(markdown[end : fence.start()], home, at), fence[0]]
        end = fence.end()
    return "".join([*parts, _relinked(markdown[end:], home, at)])


def settings_page() -> str:
    """Return the commented settings file, and what else tells of settings."""
    text = SETTINGS.read_text("utf-8")
    return (
        "# Every setting\n\nThe file that comes with leverd, `config/settings.yaml`; "
        "`leverd config schema` prints the JSON schema of what may stand in it, "
        f"`leverd config show` what is in force.\n\n```yaml\n{text}```\n"
    )


def commands_page() -> str:
    """Return every command with its arguments and options, as `--help` tells them."""
    root = get_command(app)
    commands = _contexts(click.Context(root, info_name="leverd"))
    told = [f"## {each.command_path}\n\n```text\n{each.get_help()}\n```\n" for each in commands]
    return "\n".join(["# Commands\n\nWhat `--help` says of each.\n", *told])


def routes_page() -> str:
    """Return every route of the API, from its OpenAPI document."""
    document = app_of(settings_of([SETTINGS])).openapi()
    rows = ["# Routes of the API\n", "A running API has them with every field at `/api/v1/docs`; ",
            "what they mean is told in [the API](../api.md).\n",
            "| method | path | does | parameters |", "|---|---|---|---|"]  # fmt: skip
    for path, methods in sorted(document["paths"].items()):
        for method, route in methods.items():
            asked = ", ".join(f"`{each['name']}`" for each in route.get("parameters", ()))
            told = route.get("description") or route.get("summary", "")
            rows.append(f"| {method.upper()} | `{path}` | {told.splitlines()[0]} | {asked} |")
    return "\n".join(rows) + "\n"


def _contexts(context: click.Context) -> Iterator[click.Context]:
    """Yield the context of each command below, in the order of the help."""
    command: Any = context.command
    if not hasattr(command, "list_commands"):
        yield context
        return
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        yield from _contexts(click.Context(below, info_name=name, parent=context))


def _relinked(text: str, home: Path, at: str) -> str:
    def link(found: re.Match[str]) -> str:
        title, target = found.groups()
        path, _, anchor = target.partition("#")
        if not path or "://" in target or target.startswith("mailto:"):
            return found[0]
        to = Path(os.path.normpath(home / path))
        name = to.relative_to(ROOT).as_posix() if to.is_relative_to(ROOT) else path
        inside = _MOVED.get(name) or (name.removeprefix("docs/") if to.suffix else "")
        if name in _MOVED or (name.startswith("docs/") and inside):
            back = os.path.relpath(inside, Path(at).parent)
            return f"[{title}]({back}{'#' if anchor else ''}{anchor})"
        if not to.exists():
            return found[0]  # which the strict build refuses
        bare = title.strip("`")
        return f"`{name}`" if bare in {name, to.name, "tests"} else f"{title} (`{name}`)"

    return _LINK.sub(link, text)
