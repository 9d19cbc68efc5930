"""Build the site from the documents: ``python docs/make_site.py FOLDER`` (it needs ``pip install '.[docs]'``).

It fails if a link is broken, or if the search would not find an option of a command.
"""

from __future__ import annotations

import json
import logging
import re
import shutil
import sys
import tempfile
from pathlib import Path

from mkdocs.commands.build import build
from mkdocs.config import load_config

ROOT = Path(__file__).resolve().parent.parent
OPTION = re.compile(r"--[a-z][a-z0-9-]+")
SHOWN = re.compile(r"(README|CHANGELOG|CONTRIBUTING|SECURITY|benchmarks/RESULTS|sample_inputs/README|docs/\w+)\.md")


def gather(folder: Path) -> None:
    """Copy documents, pictures and sample inputs to the same places as in the checkout, so that links work."""
    for path in ROOT.rglob("*.md"):
        name = path.relative_to(ROOT).as_posix()
        if SHOWN.fullmatch(name):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / name)
    for name in ("docs/pictures", "sample_inputs", "packaging"):
        shutil.copytree(ROOT / name, folder / name, dirs_exist_ok=True)
    shutil.copyfile(ROOT / "CITATION.cff", folder / "CITATION.cff")


def main(site: Path) -> None:
    """Build the site, and look for every option in its search index."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")  # else mkdocs does not print its warnings
    with tempfile.TemporaryDirectory() as folder:
        gather(Path(folder))
        build(load_config(str(ROOT / "docs" / "site.yml"), docs_dir=folder, site_dir=str(site.resolve()), strict=True))
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    found = set(OPTION.findall(" ".join(page["text"] for page in index["docs"])))
    if lost := set(OPTION.findall((ROOT / "docs" / "cli.md").read_text(encoding="utf-8"))) - found:
        sys.exit(f"the search does not find {', '.join(sorted(lost))}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
