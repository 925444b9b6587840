"""Hooks of the build: API pages made from the docstrings, and what follows from the repository's address."""

import re
import sys
from pathlib import Path
from tempfile import mkdtemp

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK = re.compile(r"\]\((?!https?:|#)([^)]+)\)")


class PagesHook(BuildHookInterface):
    """Puts the pages into the wheel as skmaxent/_api; an editable install does without."""

    def initialize(self, version, build_data):
        if version == "editable":
            return
        sys.path[:0] = [self.root, str(Path(self.root) / "docs")]
        from build_api import write

        folder = Path(mkdtemp())
        write(folder)
        build_data["force_include"][str(folder)] = "skmaxent/_api"


class AddressHook(MetadataHookInterface):
    """README and URLs of the metadata, by the address of the repository in pyproject.toml."""

    def update(self, metadata):
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        address = self.config["repository"].rstrip("/")
        metadata["urls"] = {}
        if address:
            text = LINK.sub(rf"]({address}/blob/main/\1)", text)
            pages = {"Documentation": "docs", "Changelog": "docs/changelog.md"}
            metadata["urls"] = {"Repository": address, "Issues": f"{address}/issues"}
            metadata["urls"] |= {name: f"{address}/blob/main/{page}" for name, page in pages.items()}
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
