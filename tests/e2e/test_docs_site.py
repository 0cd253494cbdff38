"""The documentation as a site: whole, strict, and asking nobody but whoever serves it."""

from __future__ import annotations

import functools
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.e2e.browser import ROOT, Watched, chromium

pytestmark = pytest.mark.sockets

NAMED_IN_SCRIPTS = {
    # the theme would ask these for what no page of ours has; the policy refuses all of them
    "https://api.github.com/repos/",
    "https://api.github.com/users/",
    "https://unpkg.com/mermaid@11/dist/mermaid.min.js",
    "https://unpkg.com/resize-observer-polyfill",
    # comments
    "https://bit.ly/2s3ChXG",
    "https://clipboardjs.com/",
    "http://lunrjs.com",
    "http://tartarus.org/",
}
LOADED = re.compile(r"<(?:script|link|img|iframe|source|video|audio|object|embed)\b[^>]*>")


def build(source, into):
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(into)]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, cwd=source, env=env, capture_output=True, text=True, check=False)


def copied(folder):
    for name in ("docs", "scripts", "config"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("mkdocs.yml", "README.md", "CHANGELOG.md"):
        shutil.copy(ROOT / name, folder / name)
    for name in ("src", "tests", "deploy", "benchmarks", "contracts", "LICENSE"):
        (folder / name).symlink_to(ROOT / name)
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    done = build(ROOT, folder)
    assert done.returncode == 0, done.stderr
    return folder


def pages(site):
    found = {page: page.read_text("utf-8") for page in site.rglob("*.html")}
    assert len(found) > 40
    return found


def test_every_page_is_there_and_what_is_kept_elsewhere_too(site):
    for page in (ROOT / "docs").rglob("*.md"):
        assert (site / page.relative_to(ROOT / "docs")).with_suffix(".html").exists()
    assert "never pay anyone" in (site / "index.html").read_text("utf-8")
    assert "final_depth" in (site / "reference" / "settings.html").read_text("utf-8")
    assert "leverd db prune" in (site / "reference" / "commands.html").read_text("utf-8")
    assert "/api/v1/positions" in (site / "reference" / "routes.html").read_text("utf-8")


def test_nothing_in_a_page_is_loaded_from_elsewhere(site):
    for page, text in pages(site).items():
        for tag in LOADED.findall(text):
            assert "//" not in tag.replace('rel="canonical"', ""), (page, tag)
        assert "default-src 'self'" in text, page
        assert 'class="mermaid"' not in text, page
    for sheet in site.rglob("*.css"):
        text = sheet.read_text("utf-8")
        assert not re.search(r"url\(\W?(https?:)?//|@import", text), sheet
    named = set()
    for script in site.glob("assets/javascripts/**/*.min.js"):
        if "lunr" in script.parts:
            continue  # stemmers of other languages, which no page names
        named |= set(re.findall(r"https?://[\w./@-]+", script.read_text("utf-8")))
    assert named <= NAMED_IN_SCRIPTS


def test_no_page_names_a_place_on_the_machine_that_built_it(site):
    for page, text in pages(site).items():
        for place in (str(ROOT), str(site), str(Path.home() / ".cache")):
            assert place not in text, page


def test_links_leave_the_site_for_nothing_but_the_web(site):
    for page, text in pages(site).items():
        if page.name == "404.html":
            continue  # a server shows it at any address, so its links begin at the root
        for target in re.findall(r'<a [^>]*href="([^"#?]+)', text):
            if "://" not in target and not target.startswith("mailto:"):
                to = (page.parent / target).resolve()
                assert to.is_relative_to(site.resolve()), (page, target)
                assert to.exists(), (page, target)


def test_what_leads_nowhere_fails_the_build_by_name(tmp_path):
    folder = copied(tmp_path)
    page = folder / "docs" / "modes.md"
    wrong = "[a](nowhere.md) [b](risk.md#no-such-heading) [c](../src/nowhere.py)"
    page.write_text(f"{page.read_text('utf-8')}\n{wrong}\n")
    (folder / "docs" / "lost.md").write_text("# Lost\n")  # no menu leads to it
    done = build(folder, tmp_path / "out")
    assert done.returncode != 0
    for each in ("nowhere.md", "no-such-heading", "nowhere.py", "lost.md"):
        assert each in done.stderr


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def origin(site):
    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_a_browser_reads_and_searches_it_asking_nobody_else(origin):
    with chromium() as browser:
        watched = Watched(browser, origin, size={"width": 1440, "height": 900})
        watched.page.goto(origin + "index.html")
        watched.page.get_by_role("link", name="Runbook").first.wait_for(state="attached")
        watched.page.locator("input.md-search__input").click()
        watched.page.keyboard.type("trailing stop")
        watched.page.locator("a.md-search-result__link[href*='orders.html']").first.wait_for()
        watched.shot("docs-search")
        watched.page.goto(origin + "risk.html")
        watched.shot("docs-risk")
        assert watched.errors == []
        assert watched.strangers == []
        watched.close()
