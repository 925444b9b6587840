"""What a benchmark must say about where it ran, and how it measures memory."""

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

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
