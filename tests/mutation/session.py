"""A session of pytest that runs tests in forked children: once to see their lines, then for each mutant."""

import ast
import gc
import json
import os
import signal
import tempfile
import time
import traceback
from collections import defaultdict
from pathlib import Path
from types import CodeType, FunctionType

import pytest

# Seconds after which a mutant has made a test run forever.
PATIENCE = 60.0
# Exit code of a process in which not a test but the session itself went wrong.
OUR_FAULT = 71


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
    budget : float
        Seconds of tests that a mutant is worth.
    """

    def __init__(self, mutants, tell, workers, budget):
        self.mutants, self.tell, self.workers, self.budget = mutants, tell, workers, budget
        self.failed = False

    def pytest_runtest_logreport(self, report):
        """Notice that a test fails."""
        self.failed |= report.failed

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        """Record, then judge one mutant after another."""
        import hypothesis  # not above: pytest wants to be the first

        hypothesis.settings.register_profile("mutants", derandomize=True, database=None, deadline=None)
        hypothesis.settings.load_profile("mutants")
        files = sorted({mutant.path for mutant in self.mutants})
        started = time.monotonic()
        self.items = session.items
        self._record(files)
        print(f"{len(self.seconds)} tests recorded in {time.monotonic() - started:.0f} s", flush=True)
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
                report, child = _forked(lambda file, m=mutant, c=chosen: self._first_failure(file, m, c))
                limit = time.monotonic() + PATIENCE + 10 * sum(self.seconds[i] for i in chosen)
                running[child] = (mutant, report, limit)
            for child, (mutant, report, limit) in list(running.items()):
                late = time.monotonic() > limit
                if late:
                    os.killpg(child, signal.SIGKILL)
                ended, status = os.waitpid(child, 0 if late else os.WNOHANG)
                if ended:
                    del running[child]
                    fate = _said(report, status) or ["noticed", "it ran forever or broke the process"]
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
            if chosen and spent > self.budget:
                break
            chosen.append(i)
        return chosen

    def _passes(self, i, following):
        """Whether a test passes, or is skipped."""
        self.failed = False
        item, after = self.items[i], None if following is None else self.items[following]
        item.ihook.pytest_runtest_protocol(item=item, nextitem=after)
        return not self.failed

    def _record(self, files):
        """Of tests that pass: `seconds` of each, and which of them run each of the `lines` of each file."""
        report, child = _forked(lambda file: self._watched(file, files))
        said = _said(report, os.waitpid(child, 0)[1])
        if said is None:
            raise RuntimeError("The tests broke the process in which they were to be recorded.")
        seconds, lines = said
        self.seconds = {int(i): value for i, value in seconds.items()}
        self.lines = {file: {int(line): some for line, some in of.items()} for file, of in lines.items()}
        for i, item in enumerate(self.items):
            if i not in self.seconds:
                print(f"fails without any fault, and is left out: {item.nodeid}")

    def _watched(self, report, files):
        """Run all tests and write what is seen, in the process that is forked for it."""
        import coverage

        watch = coverage.Coverage(data_file=None, include=files, config_file=False)
        seconds, n_items = {}, len(self.items)
        watch.start()
        for i in range(n_items):
            watch.switch_context(str(i))
            begun = time.perf_counter()
            if self._passes(i, i + 1 if i + 1 < n_items else None):
                seconds[i] = time.perf_counter() - begun
        watch.stop()
        data, lines = watch.get_data(), {}
        for file in files:
            contexts = data.contexts_by_lineno(os.path.abspath(file))
            lines[file] = {
                line: [int(i) for i in some if i and int(i) in seconds] for line, some in contexts.items()
            }
        report.write_text(json.dumps([seconds, lines]), encoding="utf-8")

    def _first_failure(self, report, mutant, chosen):
        """Write what became of a mutant, in the process that is forked for it."""
        if not _put_in(mutant):
            raise RuntimeError(f"{mutant.key}: no function has its code.")
        fate = ["survived", ""]
        for i, following in zip(chosen, [*chosen[1:], None]):
            if not self._passes(i, following):
                fate = ["noticed", self.items[i].nodeid]
                break
        report.write_text(json.dumps(fate), encoding="utf-8")


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
    except BaseException:
        Path(name).write_text(traceback.format_exc(), encoding="utf-8")
        os._exit(OUR_FAULT)
    os._exit(0)


def _said(report, status):
    """What a process wrote; None where it was killed or crashed."""
    text = report.read_text(encoding="utf-8")
    report.unlink()
    if os.waitstatus_to_exitcode(status) == OUR_FAULT:
        raise RuntimeError(text)
    return json.loads(text) if text else None


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
