"""The import picture: python docs/development/architecture.py [CHECKOUT]

Rooms are the folders and loose modules directly in skmaxent/, arrows the imports between them. Prints the
floors from the top down with the rooms of each, their files and lines and what they import, then any circle.
"""

import ast
import sys
from pathlib import Path


def imports(path, package):
    """Full names of the modules that a file imports, anywhere in it.

    Parameters
    ----------
    path : Path
    package : tuple of str
        The package that the file is in, such as ("skmaxent", "convex").
    """
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            # `from . import x` and `from skmaxent import x` may name modules.
            names = [f"{module}.{alias.name}" for alias in node.names]
            yield from names if module == "skmaxent" else [module]


def room_of(file):
    """The room of a file, by its path inside of skmaxent: its first folder, or its own name."""
    return Path(file).parts[0].removesuffix(".py")


def rooms(package):
    """Room -> set of the rooms that it imports, for a folder skmaxent."""
    files = {path.relative_to(package): path for path in sorted(package.rglob("*.py"))}
    arrows = {room_of(file): set() for file in files}
    for file, path in files.items():
        for name in imports(path, ("skmaxent", *file.parts[:-1])):
            parts = name.split(".")
            if parts[0] == "skmaxent" and len(parts) > 1 and parts[1] in arrows:
                arrows[room_of(file)].add(parts[1])
    return {room: found - {room} for room, found in arrows.items()}


def floors(arrows):
    """Lists of rooms from the top down, each importing only rooms further down; and the rooms in circles."""
    below, left = [], dict(arrows)
    while left:
        free = sorted(room for room, found in left.items() if not found & left.keys())
        if not free:
            break
        below.append(free)
        left = {room: found for room, found in left.items() if room not in free}
    return below[::-1], sorted(left)


def main():
    checkout = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]
    package = checkout / "skmaxent"
    arrows = rooms(package)
    levels, circle = floors(arrows)
    lines = {room: [] for room in arrows}
    for path in package.rglob("*.py"):
        lines[room_of(path.relative_to(package))].append(len(path.read_text(encoding="utf-8").splitlines()))
    for level, names in enumerate(levels):
        for room in names:
            size = f"{len(lines[room]):3d} files {sum(lines[room]):6,d} lines"
            print(f"{level + 1}  {room:16s} {size}   {', '.join(sorted(arrows[room]))}")
    total = sum(map(sum, lines.values()))
    n_arrows = sum(map(len, arrows.values()))
    print(f"{len(arrows)} rooms, {n_arrows} arrows, {len(levels)} floors, {total:,} lines")
    print(f"circle: {', '.join(circle)}" if circle else "no circle")


if __name__ == "__main__":
    main()
