"""Configuration of the site: ``sphinx-build -W docs docs/_build/html`` after ``pip install -e '.[docs]'``.

``-D plot_gallery=0`` shows the tutorials without running them. Those that need corpora run where the corpora
are (see `skmaxent.datasets`); the others run everywhere.
"""

import inspect
import os
import re
import sys
from importlib import import_module
from pathlib import Path

from sphinx_gallery.sorting import ExplicitOrder

HERE = Path(__file__).resolve().parent
# Corpora beside the checkout, where nothing else is said.
CORPORA = HERE.parents[1] / "shared" / "data"
if CORPORA.is_dir():
    os.environ.setdefault("SKMAXENT_DATA", str(CORPORA))
# The checkout first, and for the processes of tutorials too: what is described is what is beside the pages.
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "benchmarks")]
os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])

import summary  # noqa: E402  (benchmarks/summary.py)

from skmaxent import __version__  # noqa: E402

project, author, version, release = "skmaxent", "The skmaxent developers", __version__, __version__
project_copyright = author

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_design",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "auto_examples/*.ipynb", "examples", "benchmarks/generated", "development/*.py"]
templates_path, html_static_path = ["_templates"], ["_static"]
suppress_warnings = ["config.cache"]  # functions among the settings are no reason to read all again
nitpicky = True
# Names of other projects, which have no pages here, and words of docstrings that are no names.
nitpick_ignore_regex = [
    (r"py:.*", r"(?!skmaxent).*"),
]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

default_role = "autolink"
highlight_language = "none"  # formulas of docstrings; what is code says so
autodoc_typehints = "none"
toc_object_entries_show_parents = "hide"
autosummary_generate = True
numpydoc_show_class_members = False
copybutton_prompt_text, copybutton_prompt_is_regexp = r">>> |\.\.\. |\$ ", True
copybutton_exclude = ".linenos, .gp, .go"

html_theme = "pydata_sphinx_theme"
html_title = f"skmaxent {version}"
html_css_files, html_favicon = ["site.css"], "_static/icon.svg"
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "skmaxent", "image_light": "_static/icon.svg", "image_dark": "_static/icon.svg"},
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "show_toc_level": 2,
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {"index": [], "getting_started": []}


def own_methods(name):
    """Names of the documented public methods that this package, not scikit-learn, gives a class."""
    module, _, cls = name.rpartition(".")
    members = inspect.getmembers(
        getattr(import_module(module), cls), lambda member: inspect.isroutine(member) and member.__doc__
    )
    return [
        method
        for method, function in members
        if method[0] != "_" and getattr(function, "__module__", "").startswith("skmaxent")
    ]


autosummary_context = {"own_methods": own_methods}


def examples_to_run():
    """The pattern of the tutorials that find their data on this machine."""
    corpora = re.compile(r"load_(newsgroups|ppattach|trec|senseval|sentence|ud_|conll)")
    present = Path(os.environ.get("SKMAXENT_DATA") or CORPORA).is_dir()
    runnable = [
        file.stem
        for file in sorted((HERE / "examples").glob("*.py"))
        if present or not corpora.search(file.read_text(encoding="utf-8"))
    ]
    return rf"[\\/]({'|'.join(runnable)})\.py$"


sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": examples_to_run(),
    "within_subsection_order": ExplicitOrder(
        [
            "quickstart.py",
            "quebec.py",
            "plot_explanations.py",
            "explain_newsgroups.py",
            "ask_questions.py",
            "praise_or_blame.py",
            "tell_senses_apart.py",
            "attach_phrases.py",
            "plot_joint_or_conditional.py",
            "split_sentences.py",
            "tag_parts_of_speech.py",
            "find_chunks.py",
            "name_entities.py",
            "parse_sentence.py",
            "plot_mlp_capacity.py",
            "plot_mlp_initialisation_and_penalty.py",
            "plot_mlp_loss_curves.py",
            "validation_in_a_pipeline.py",
            "tag_ewt.py",
            "plot_vanishing_gradients.py",
            "*",
        ]
    ),
    "default_thumb_file": str(HERE / "_static" / "thumbnail.png"),
    "doc_module": ("skmaxent",),
    "backreferences_dir": "api/generated/backreferences",
    "inspect_global_variables": False,
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "matplotlib_animations": False,
    "abort_on_example_error": True,
    "min_reported_time": 1,
    "copyfile_regex": r".*\.npz",
}


def setup(app):
    """Tables and pictures of the benchmarks follow from their CSV files."""
    summary.write(HERE / "benchmarks", HERE / "benchmarks" / "generated")
