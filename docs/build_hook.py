"""Hook of the build: what follows from the addresses of the repository and of the site in pyproject.toml."""

import re
from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK = re.compile(r"\[([^]]*)\]\((?!https?:|#)([^)]+)\)")
# Pictures need the file itself, not the page that shows it.
PICTURE = re.compile(r"!\[([^]]*)\]\((?!https?:)([^)]+)\)")


class AddressHook(MetadataHookInterface):
    """README and URLs of the metadata.

    While an address is empty nothing is invented for it, and what would lead nowhere on a package index,
    links and pictures of README, is left out. "Documentation" is the address of the site alone:
    scikit-learn's HTML view of our estimators links to the pages below it.
    """

    def update(self, metadata):
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        repository, site = (self.config[name].rstrip("/") for name in ("repository", "site"))
        urls = {"Documentation": site} if site else {}
        if repository:
            text = PICTURE.sub(rf"![\1]({repository}/raw/main/\2)", text)
            text = LINK.sub(rf"[\1]({repository}/blob/main/\2)", text)
            urls |= {
                "Repository": repository,
                "Issues": f"{repository}/issues",
                "Changelog": f"{repository}/blob/main/docs/changelog.md",
            }
        else:
            text = LINK.sub(r"\1", PICTURE.sub("", text))
        metadata["urls"] = urls
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
