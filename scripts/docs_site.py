"""Hooks of mkdocs: pages of the site that do not lie in docs/, and links out of docs/.

README.md, CHANGELOG.md, CONTRIBUTING.md and examples/tutorial.py become pages. A link to a file of the
repository that is no page becomes plain text: the site has no sources.
"""

import os
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]

PAGES = {"README.md": "index.md", "CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
"""File of the repository -> page of the site."""

TUTORIAL = "tutorial.py"
LINKED = PAGES | {f"examples/{TUTORIAL}": TUTORIAL}
"""Those pages, and the one that mkdocs-jupyter reads from its folder."""

NESTED = re.compile(r"^  - ", re.MULTILINE)
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s#:]+)(#[^)\s]*)?\)")


@event_priority(100)  # before mkdocs-jupyter, which looks for notebooks
def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of files outside of docs/."""
    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=relinked(text, source, page)))
    examples = str(ROOT / "examples")
    files.append(File(TUTORIAL, examples, config.site_dir, config.use_directory_urls))
    return files


def on_page_markdown(markdown: str, page: Any, config: MkDocsConfig, files: Files) -> str:
    """Return a page of docs/ with the links that the site can follow, and lists within lists."""
    path = page.file.src_uri
    if path.startswith("studies/"):  # reports: Python-Markdown indents by four
        markdown = NESTED.sub("    - ", markdown)
    return markdown if path in PAGES.values() else relinked(markdown, f"docs/{path}", path)


def relinked(text: str, source: str, page: str) -> str:
    """Return Markdown with its links to files turned to those of the site.

    Args:
        text: Markdown.
        source: Path of its file in the repository.
        page: Path of the page in the site.
    """

    def turned(link: re.Match[str]) -> str:
        mark, name, target, anchor = link.groups()
        file = os.path.normpath(os.path.join(os.path.dirname(source), target))
        if not (ROOT / file).exists():
            return link[0]  # mkdocs tells of it
        place = LINKED.get(file, file.removeprefix("docs/") if file.startswith("docs/") else None)
        if place is None:
            return str(name)
        there = os.path.relpath(place, os.path.dirname(page) or ".")
        return f"{mark}[{name}]({there}{anchor or ''})"

    return LINK.sub(turned, text)
