"""Small faults for a source file, one at a time: what a test suite ought to notice."""

import ast
from dataclasses import dataclass

COMPARISONS = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
}
OPERATORS = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "/",
    ast.Div: "*",
    ast.Pow: "*",
    ast.FloorDiv: "*",
    ast.BitAnd: "|",
    ast.BitOr: "&",
    ast.MatMult: "*",
}
NAMES = {
    "minimum": "maximum",
    "maximum": "minimum",
    "min": "max",
    "max": "min",
    "any": "all",
    "all": "any",
    "floor": "ceil",
    "ceil": "floor",
    "log1p": "log",
    "expm1": "exp",
    "zeros": "ones",
    "ones": "zeros",
    "abs": "negative",
}


# Other numbers are tolerances, sizes and limits: somewhat larger ones are as good.
TELLING = (0, 1, 2, 0.5)


@dataclass(frozen=True)
class Mutant:
    """A fault: the text between two places of a file replaced.

    Attributes
    ----------
    path : str
        Of the file, from the root.
    line : int
    start, end : int
        Offsets in bytes of the UTF-8 source.
    new : str
    what : str
        The old text and the new one, and the source line, for people.
    """

    path: str
    line: int
    start: int
    end: int
    new: str
    what: str

    @property
    def key(self):
        """What names the mutant also after lines were added above it."""
        return f"{self.path}: {self.what}"

    def source(self, source):
        """The source with the fault."""
        data = source.encode()
        return (data[: self.start] + self.new.encode() + data[self.end :]).decode()


class _Finder(ast.NodeVisitor):
    """Collects mutants; leaves alone what changes no number: messages, types, tuning constants, counters."""

    def __init__(self, path, source):
        self.path, self.lines = path, source.encode().splitlines(keepends=True)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))
        self.found = []

    def offset(self, line, column):
        return self.starts[line - 1] + column

    def text(self, start, end):
        return b"".join(self.lines)[start:end].decode()

    def add(self, start, end, new, line):
        old, shown = self.text(start, end), self.lines[line - 1].decode().strip()
        what = f"`{' '.join(old.split())}` -> `{new}` in `{shown}`"
        # The same change twice in a line: told apart by the column.
        if any(m.what == what and m.path == self.path for m in self.found):
            what += f" at {start - self.starts[line - 1]}"
        self.found.append(Mutant(self.path, line, start, end, new, what))

    def replace(self, node, new):
        start = self.offset(node.lineno, node.col_offset)
        self.add(start, self.offset(node.end_lineno, node.end_col_offset), new, node.lineno)

    def between(self, left, right, new):
        """Replace the operator between two operands, brackets kept."""
        start = self.offset(left.end_lineno, left.end_col_offset)
        end = self.offset(right.lineno, right.col_offset)
        gap = self.text(start, end)
        operator = gap.strip(" ()\n\\")
        if not operator or "#" in gap:
            return
        begin = start + gap.index(operator)
        self.add(begin, begin + len(operator.encode()), new, left.end_lineno)

    def visit_Module(self, node):
        for child in node.body:
            if isinstance(child, (ast.FunctionDef, ast.ClassDef)):
                self.visit(child)

    def visit_ClassDef(self, node):
        for child in node.body:
            if isinstance(child, (ast.FunctionDef, ast.ClassDef)):
                self.visit(child)

    def visit_FunctionDef(self, node):
        for child in node.body:
            if not (isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)):
                self.visit(child)

    def visit_Raise(self, node):
        """Messages."""

    def visit_AnnAssign(self, node):
        if node.value is not None:
            self.visit(node.value)

    def visit_JoinedStr(self, node):
        """Texts."""

    def visit_AugAssign(self, node):
        if "tally" in ast.dump(node.target):
            return
        kind = type(node.op)
        if kind in OPERATORS and kind is not ast.MatMult:
            start = self.offset(node.target.end_lineno, node.target.end_col_offset)
            end = self.offset(node.value.lineno, node.value.col_offset)
            gap = self.text(start, end)
            sign = gap.split("=")[0].strip()
            begin = start + gap.index(sign)
            self.add(begin, begin + len(sign), OPERATORS[kind], node.lineno)
        self.generic_visit(node)

    def visit_BinOp(self, node):
        kind = type(node.op)
        is_text = any(
            isinstance(x, ast.Constant) and isinstance(x.value, str) for x in (node.left, node.right)
        )
        if kind in OPERATORS and not is_text:
            self.between(node.left, node.right, OPERATORS[kind])
        self.generic_visit(node)

    def visit_Compare(self, node):
        left = node.left
        for operator, right in zip(node.ops, node.comparators):
            self.between(left, right, COMPARISONS[type(operator)])
            left = right
        self.generic_visit(node)

    def visit_BoolOp(self, node):
        other = "or" if isinstance(node.op, ast.And) else "and"
        for left, right in zip(node.values, node.values[1:]):
            self.between(left, right, other)
        self.generic_visit(node)

    def visit_UnaryOp(self, node):
        start = self.offset(node.lineno, node.col_offset)
        if isinstance(node.op, (ast.Not, ast.USub, ast.Invert)):
            width = 4 if isinstance(node.op, ast.Not) else 1
            self.add(start, start + width, "", node.lineno)
        self.generic_visit(node)

    def visit_Constant(self, node):
        value = node.value
        if isinstance(value, bool):
            self.replace(node, str(not value))
        elif value in TELLING:
            self.replace(node, repr(value + 1) if abs(value) < 2 else repr(value * 2))

    def visit_Call(self, node):
        name = node.func
        if isinstance(name, ast.Attribute) and name.attr in NAMES:
            end = self.offset(name.end_lineno, name.end_col_offset)
            self.add(end - len(name.attr), end, NAMES[name.attr], name.end_lineno)
        elif isinstance(name, ast.Name) and name.id in {"min", "max", "any", "all"}:
            self.replace(name, NAMES[name.id])
        self.visit(name)
        # Whether something is copied shows in memory alone.
        for part in [*node.args, *(keyword for keyword in node.keywords if keyword.arg != "copy")]:
            # Any negative number stands for the dimension that NumPy works out.
            if not (ast.unparse(part) == "-1" and getattr(name, "attr", "") == "reshape"):
                self.visit(part)


def mutants_of(path, source):
    """All mutants of one source file.

    Parameters
    ----------
    path : str
    source : str

    Returns
    -------
    mutants : list of Mutant
        Those that are still Python.
    """
    finder = _Finder(path, source)
    finder.visit(ast.parse(source))
    valid = []
    for mutant in finder.found:
        try:
            compile(mutant.source(source), path, "exec")
        except (SyntaxError, ValueError):
            continue
        valid.append(mutant)
    return valid
