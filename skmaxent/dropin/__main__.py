"""``python -m skmaxent.dropin script.py``: an unchanged script, with our classes in scikit-learn's place."""

import builtins
import io
import os
import runpy
import sys
import types

from . import install, summary

USAGE = "usage: python -m skmaxent.dropin (script.py | -m module) [arguments ...]"


def main():
    """Run what the command line names as ``python`` would, then say on stderr which fits ran where."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help") or arguments == ["-m"]:
        print(USAGE, file=sys.stdout if arguments and arguments[0] != "-m" else sys.stderr)
        return 0 if arguments and arguments[0] != "-m" else 2
    install()
    try:
        if arguments[0] == "-m":
            sys.argv = arguments[1:]
            runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = arguments
            _run(arguments[0])
    finally:
        sys.stdout.flush()
        print(summary(), file=sys.stderr)
    return 0


def _run(script):
    if os.path.isdir(script) or not os.path.splitext(script)[1].startswith(".py"):
        runpy.run_path(script, run_name="__main__")
        return
    # Not by runpy, which takes the module away at the end: threads and pickles may still need it.
    module = types.ModuleType("__main__")
    vars(module).update(__file__=script, __builtins__=builtins, __cached__=None)
    with io.open_code(os.path.abspath(script)) as file:
        source = file.read()
    sys.modules["__main__"] = module
    sys.path[0] = os.path.dirname(os.path.abspath(script))
    code = compile(source, script, "exec", dont_inherit=True)
    try:
        exec(code, vars(module))
    except Exception as error:
        error = error.with_traceback(error.__traceback__.tb_next)  # which begins in the script
        sys.excepthook(type(error), error, error.__traceback__)
        raise SystemExit(1) from None


if __name__ == "__main__":
    sys.exit(main())
