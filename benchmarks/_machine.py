"""What a benchmark must say about where it ran, rows that say it, and how it measures memory."""

import csv
import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from _own_tables import rows

# Corpora beside the checkout, where nothing else is said.
_CORPORA = Path(__file__).resolve().parents[2] / "shared" / "data"
if _CORPORA.is_dir():
    os.environ.setdefault("SKMAXENT_DATA", str(_CORPORA))


def describe_machine():
    """One line: processor, cores, memory, system, versions."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            line.split(":")[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line
        ]
        model = names[0] if names else model
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = []
    for package in ("numpy", "scipy", "scikit-learn", "skmaxent", "cyanure", "torch", "nltk"):
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return (
        f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, {', '.join(versions)}"
    )


def write_rows(path, fresh, key):
    """Put rows into a CSV, in the place of those of the same key; returns all, each with its own machine."""
    fresh = [{**row, "machine": describe_machine()} for row in fresh]
    replaced = {tuple(str(row[name]) for name in key) for row in fresh}
    # The columns of the new rows: those of an older format may differ.
    columns = list(fresh[-1])
    kept = [row for row in rows(path) if tuple(row[name] for name in key) not in replaced]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept + fresh)
    return kept + fresh


def peak_memory(function):
    """Growth of the resident set, in bytes, from before the call to its peak during the call (Linux)."""
    status = Path("/proc/self/status")

    def read(field):
        line = next(line for line in status.read_text().splitlines() if line.startswith(field))
        return int(line.split()[1]) * 1024

    Path("/proc/self/clear_refs").write_text("5")  # resets the high-water mark
    before = read("VmRSS")
    function()
    return read("VmHWM") - before


def memory_of_each(script, solvers, header, path):
    """The CSV of what `script --memory-of solver` prints last, for each solver in a process of its own."""
    lines = [f"# {describe_machine()}", header]
    for solver in solvers:
        command = [sys.executable, script, "--memory-of", solver]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        lines.append(printed.strip().splitlines()[-1])
        print(lines[-1], flush=True)
    path.write_text("\n".join(lines) + "\n")
