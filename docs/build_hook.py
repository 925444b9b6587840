"""Build hook of the wheel: the API pages, made from the docstrings of the sources that it packs."""

import sys
from pathlib import Path
from tempfile import mkdtemp

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


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
