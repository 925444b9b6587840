"""A session of pytest that runs tests in forked children: once to see their lines, then for each mutant."""

import ast
import gc
import json
import os
import signal
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from types import CodeType, FunctionType

import pytest
from _pytest.runner import runtestprotocol

# Seconds of tests that a mutant is worth, and after which it has made one run forever.
BUDGET, PATIENCE = 40.0, 60.0


class Judge:
    """Plugin of pytest that judges mutants instead of running the tests.

    Parameters
    ----------
    mutants : list of Mutant
    tell : callable
        Called with each mutant, its fate ("noticed", "survived", or "no test" where none runs its line) and
        the test that noticed it.
    workers : int
        Mutants at a time.
    """

    def __init__(self, mutants, tell, workers):
        self.mutants, self.tell, self.workers = mutants, tell, workers

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        """Record, then judge one mutant after another."""
        import hypothesis  # not above: pytest wants to be the first

        hypothesis.settings.register_profile("mutants", derandomize=True, database=None)
        hypothesis.settings.load_profile("mutants")
        files = sorted({mutant.path for mutant in self.mutants})
        started = time.monotonic()
        self.seconds, self.lines = _recorded(session.items, files)
        print(f"{len(self.seconds)} tests recorded in {time.monotonic() - started:.0f} s", flush=True)
        self.items = session.items
        self._judge_all()
        return True

    def _judge_all(self):
        running, left = {}, list(reversed(self.mutants))
        while running or left:
            while left and len(running) < self.workers:
                mutant = left.pop()
                chosen = self._tests_of(mutant)
                if not chosen:
                    self.tell(mutant, "no test", "")
                    continue
                report, child = _forked(lambda file, m=mutant, c=chosen: _first_failure(file, m, c))
                limit = time.monotonic() + PATIENCE + 10 * sum(self.seconds[i] for i, _ in chosen)
                running[child] = (mutant, report, limit)
            for child, (mutant, report, limit) in list(running.items()):
                late = time.monotonic() > limit
                if late:
                    os.killpg(child, signal.SIGKILL)
                if os.waitpid(child, 0 if late else os.WNOHANG)[0]:
                    del running[child]
                    said = report.read_text(encoding="utf-8")
                    report.unlink()
                    fate = json.loads(said) if said else ["noticed", "it ran forever or broke the process"]
                    self.tell(mutant, *fate)
            time.sleep(0.005)

    def _tests_of(self, mutant):
        """The tests that run the statement of a mutant, the quickest first, as long as the budget lasts."""
        first, last = _statement(mutant.path, mutant.line)
        of_file = self.lines.get(mutant.path, {})
        numbers = {i for line in range(first, last + 1) for i in of_file.get(line, ())}
        chosen, spent = [], 0.0
        for i in sorted(numbers, key=self.seconds.__getitem__):
            spent += self.seconds[i]
            if chosen and spent > BUDGET:
                break
            chosen.append((i, self.items[i]))
        return chosen


def _forked(work):
    """A file for the report and the process that ``work(file)`` runs in."""
    handle, name = tempfile.mkstemp(suffix=".json")
    os.close(handle)
    child = os.fork()
    if child:
        return Path(name), child
    try:
        os.setsid()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (1, 2):
            os.dup2(nowhere, stream)
        work(Path(name))
    finally:
        os._exit(0)


def _passes(item, following):
    """Whether a test passes, or is skipped."""
    return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=following))


def _recorded(items, files):
    """Of tests that pass: seconds of each, and which of them run each line of each file."""

    def record(report):
        import coverage

        watch = coverage.Coverage(data_file=None, include=files, config_file=False)
        seconds = {}
        watch.start()
        for i, (item, following) in enumerate(zip(items, [*items[1:], None])):
            watch.switch_context(str(i))
            begun = time.perf_counter()
            if _passes(item, following):
                seconds[i] = time.perf_counter() - begun
        watch.stop()
        data, lines = watch.get_data(), {}
        for file in files:
            contexts = data.contexts_by_lineno(os.path.abspath(file))
            lines[file] = {
                line: [int(i) for i in some if i and int(i) in seconds] for line, some in contexts.items()
            }
        report.write_text(json.dumps([seconds, lines]), encoding="utf-8")

    report, child = _forked(record)
    os.waitpid(child, 0)
    said = report.read_text(encoding="utf-8")
    report.unlink()
    if not said:
        sys.exit("The tests broke the process in which they were to be recorded.")
    seconds, lines = json.loads(said)
    seconds = {int(i): value for i, value in seconds.items()}
    for i, item in enumerate(items):
        if i not in seconds:
            print(f"fails without any fault, and is left out: {item.nodeid}")
    lines = {file: {int(line): some for line, some in of.items()} for file, of in lines.items()}
    return seconds, lines


def _first_failure(report, mutant, chosen):
    """Write what became of a mutant, in the process that is forked for it."""
    replaced = _put_in(mutant)
    if not replaced:
        raise RuntimeError(f"{mutant.key}: no function has its code.")
    for (_, item), following in zip(chosen, [*(item for _, item in chosen[1:]), None]):
        if not _passes(item, following):
            report.write_text(json.dumps(["noticed", item.nodeid]), encoding="utf-8")
            return
    report.write_text(json.dumps(["survived", ""]), encoding="utf-8")


def _put_in(mutant):
    """Give all functions that the fault is in their new code; how many there are."""
    path = os.path.abspath(mutant.path)
    source = Path(path).read_text(encoding="utf-8")
    old, new = (_codes(compile(text, path, "exec")) for text in (source, mutant.source(source)))
    changed = {place: new[place] for place, code in old.items() if place in new and code != new[place]}
    live = defaultdict(list)
    for function in gc.get_objects():
        if isinstance(function, FunctionType) and function.__code__.co_filename == path:
            live[function.__code__.co_qualname].append(function)
    count = 0
    for place, code in changed.items():
        for function in live[place]:
            function.__code__ = code
            count += 1
    return count


def _codes(code):
    """All code objects in one, by qualified name."""
    found = {}
    for part in code.co_consts:
        if isinstance(part, CodeType):
            found |= {part.co_qualname: part, **_codes(part)}
    return found


def _statement(path, line):
    """First and last line of the innermost statement, or of its head, that a line belongs to."""
    first, last = line, line
    nodes = [
        node
        for node in ast.walk(ast.parse(Path(path).read_text(encoding="utf-8")))
        if isinstance(node, ast.stmt)
    ]
    for node in sorted(nodes, key=lambda node: node.lineno):
        body = getattr(node, "body", None)
        end = max(body[0].lineno - 1, node.lineno) if body else node.end_lineno
        if node.lineno <= line <= end:
            first, last = node.lineno, end
    return first, last
