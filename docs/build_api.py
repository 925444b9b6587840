"""Write the API pages from the docstrings: python docs/build_api.py [FOLDER]

One HTML page for each public name; without a folder into skmaxent/_api, where scikit-learn's HTML view of an
estimator links to them (see `skmaxent.compat.Documented`). The wheel gets them from `docs/build_hook.py`,
no repository has them. Needs a scikit-learn with its copy of numpydoc (1.8).
"""

import inspect
import re
import sys
from html import escape
from pathlib import Path

from sklearn.externals._numpydoc.docscrape import NumpyDocString

import skmaxent

LISTS = ("Parameters", "Attributes", "Returns", "Raises")
STYLE = """
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:52em;margin:2em auto;padding:0 1em}
code,pre{font-family:ui-monospace,monospace;font-size:.92em}
pre{background:rgba(128,128,128,.14);padding:.6em .9em;border-radius:4px;overflow-x:auto}
h1,h2,h3{line-height:1.25}h3 code{font-weight:600}
dt{margin-top:.8em}dt strong{font-family:ui-monospace,monospace}
dt:target{background:rgba(255,200,0,.35)}
.type{opacity:.75}.type::before{content:": "}
dd{margin:.1em 0 0 1.6em}dd p{margin:.3em 0}
section{border-top:1px solid rgba(128,128,128,.4);margin-top:1.6em}
"""


def inline(text):
    """A line of reStructuredText: literals and names as code, the rest escaped."""
    parts = re.split(r"(``.+?``|`[^`]+?`)", text)
    return "".join(
        f"<code>{escape(part.strip('`'))}</code>" if i % 2 else escape(part) for i, part in enumerate(parts)
    )


def prose(lines):
    """Paragraphs, lists, literal blocks and doctests of a docstring."""
    out = []
    for block in re.split(r"\n\s*\n", "\n".join(lines).rstrip()):
        literal = block.startswith((" ", ">>>"))
        if not block.strip():
            continue
        if literal and out and out[-1].startswith("<pre>"):
            out[-1] = out[-1].removesuffix("</pre>") + f"\n\n{escape(block)}</pre>"
        elif literal:
            out.append(f"<pre>{escape(block)}</pre>")
        else:
            text = block.replace("::", ":")
            items = re.split(r"^- ", text, flags=re.M)
            out.append(f"<p>{inline(' '.join(items[0].split()))}</p>" if items[0].strip() else "")
            if len(items) > 1:
                entries = "".join(f"<li>{inline(' '.join(item.split()))}</li>" for item in items[1:])
                out.append(f"<ul>{entries}</ul>")
    return "".join(part.replace(".. [1]", "[1]") for part in out)


def definitions(entries, prefix):
    """Parameters or attributes, each with an anchor."""
    out = []
    for entry in entries:
        # Name and type follow each other, as the text fragments of scikit-learn's links want them.
        kind = f' <span class="type">{escape(entry.type.replace("`", ""))}</span>' if entry.type else ""
        anchor = f' id="{escape(prefix + entry.name)}"' if entry.name else ""
        name = f"<strong>{escape(entry.name)}</strong>" if entry.name else ""
        out.append(f"<dt{anchor}>{name}{kind}</dt><dd>{prose(entry.desc)}</dd>")
    return f"<dl>{''.join(out)}</dl>"


def body(documented, prefix=""):
    """The docstring of a class or function as HTML."""
    doc = NumpyDocString(inspect.getdoc(documented))
    level = "h3" if prefix else "h2"
    out = [f"<p>{inline(' '.join(doc['Summary']))}</p>", prose(doc["Extended Summary"])]
    for section in LISTS:
        if doc[section]:
            out.append(f"<{level}>{section}</{level}>{definitions(doc[section], prefix)}")
    if doc["See Also"]:
        out.append(f"<{level}>See Also</{level}>")
        for names, text in doc["See Also"]:
            links = ", ".join(
                f'<a href="{name}.html">{name}</a>'
                if name in skmaxent.__all__
                else f"<code>{escape(name)}</code>"
                for name, _ in names
            )
            out.append(f"<p>{links}: {inline(' '.join(text))}</p>")
    for section in ("Notes", "References", "Examples"):
        if doc[section]:
            out.append(f"<{level}>{section}</{level}>{prose(doc[section])}")
    return "".join(out)


def public_methods(cls):
    """(name, function) of the documented methods that this package gives a class."""
    for name, member in inspect.getmembers(cls, lambda m: inspect.isfunction(m) or inspect.ismethod(m)):
        if not name.startswith("_") and member.__module__.startswith("skmaxent") and inspect.getdoc(member):
            yield name, member


def signature(name, documented):
    parameters = [
        str(p.replace(annotation=p.empty))
        for p in inspect.signature(documented).parameters.values()
        if p.name not in ("self", "cls")
    ]
    stars = [
        i for i, p in enumerate(inspect.signature(documented).parameters.values()) if p.kind is p.KEYWORD_ONLY
    ]
    offset = len(inspect.signature(documented).parameters) - len(parameters)
    if stars:
        parameters.insert(stars[0] - offset, "*")
    return f"{name}({', '.join(parameters)})"


def page(name, content):
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width">'
        f"<title>{name} - skmaxent</title><style>{STYLE}</style></head>\n"
        f'<body><p><a href="index.html">skmaxent</a></p>\n{content}\n</body></html>\n'
    )


def pages():
    """File name -> text of all pages."""
    names = [name for name in skmaxent.__all__ if not inspect.ismodule(getattr(skmaxent, name))]
    written, summaries = {}, []
    for name in names:
        documented = getattr(skmaxent, name)
        content = [
            f"<h1>{name}</h1><pre>skmaxent.{escape(signature(name, documented))}</pre>",
            body(documented),
        ]
        if inspect.isclass(documented):
            for method, function in public_methods(documented):
                head = f'<section><h2 id="{method}"><code>{escape(signature(method, function))}</code></h2>'
                content.append(f"{head}{body(function, f'{method}.')}</section>")
        written[f"{name}.html"] = page(name, "\n".join(content))
        summary = " ".join(NumpyDocString(inspect.getdoc(documented))["Summary"])
        summaries.append(f'<dt><a href="{name}.html">{name}</a></dt><dd>{inline(summary)}</dd>')
    written["index.html"] = page("API", f"<h1>API</h1><dl>{''.join(summaries)}</dl>")
    return written


def write(folder):
    """Write all pages into a folder; returns their number."""
    folder.mkdir(parents=True, exist_ok=True)
    written = pages()
    for file, text in written.items():
        (folder / file).write_text(text, encoding="utf-8")
    return len(written)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(skmaxent.__file__).parent / "_api"
    print(f"{write(target)} pages in {target}")
