"""Real corpora for examples, tests and benchmarks.

`load_docstrings` works on every machine that has the runtime dependencies: it reads the docstrings of the
installed NumPy, SciPy and scikit-learn. The other loaders look for a file of the corpus in ``data_home``, in
the folder named by the environment variable ``SKMAXENT_DATA``, among what was downloaded before, and for
copies that scikit-learn or NLTK have downloaded. Where there is none they fetch the corpus from where it is
published, check it against a checksum, and keep it in the folder "skmaxent" of scikit-learn's data home;
with ``download_if_missing=False`` they do not. When all of this fails, FileNotFoundError names the choices.
`load_senseval2` alone leaves the download to NLTK.
"""

from .docstrings import load_docstrings
from .documents import (
    load_newsgroups,
    load_ppattach,
    load_senseval2,
    load_sentence_polarity,
    load_trec_questions,
)
from .sequences import (
    load_conll2000,
    load_conll2002_spanish,
    load_ud_ewt,
    load_ud_ewt_pos,
    pos_window_features,
)

__all__ = [
    "load_conll2000",
    "load_conll2002_spanish",
    "load_docstrings",
    "load_newsgroups",
    "load_ppattach",
    "load_senseval2",
    "load_sentence_polarity",
    "load_trec_questions",
    "load_ud_ewt",
    "load_ud_ewt_pos",
    "pos_window_features",
]
