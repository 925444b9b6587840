"""Loaders of classified documents, questions, sentences and words."""

import json

import numpy as np
from sklearn.utils import Bunch

from .files import CALL, check_option, nltk_remedy, not_found, read_corpus, read_nltk, read_text


def _encode(labels):
    """Sorted class names as a list, and the index of each label among them."""
    target_names, target = np.unique(labels, return_inverse=True)
    return target_names.tolist(), target


def _rows(text):
    """The rows of a tab-separated table whose first line is a header."""
    return [line.split("\t") for line in text.rstrip("\n").split("\n")[1:]]


def load_newsgroups(subset="train", *, data_home=None, download_if_missing=True):
    """Load 20 Newsgroups, the "bydate" version, with the headers of the messages.

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="train"
        11,314 messages to train, 7,532 later ones to test, or the first followed by the second.
    data_home : path-like, default=None
        Folder with ``newsgroups20.jsonl.gz``, or of :func:`sklearn.datasets.fetch_20newsgroups`.
    download_if_missing : bool, default=True
        Let :func:`sklearn.datasets.fetch_20newsgroups` download the corpus. With False, a copy that it has
        downloaded before is used.

    Returns
    -------
    newsgroups : :class:`~sklearn.utils.Bunch`
        data : list of str; target : ndarray of shape (n_documents,); target_names : list of 20 str;
        ids : list of str, the messages' numbers; DESCR : str.

    Raises
    ------
    FileNotFoundError
        If the corpus is in none of these places.

    See Also
    --------
    load_docstrings : A corpus that needs no download.

    References
    ----------
    K. Lang (1995), NewsWeeder: learning to filter netnews, ICML.

    Examples
    --------
    >>> from skmaxent.datasets import load_newsgroups
    >>> newsgroups = load_newsgroups("test")  # doctest: +SKIP
    >>> len(newsgroups.data)  # doctest: +SKIP
    7532
    """
    check_option("load_newsgroups", "subset", subset, ("train", "test", "all"))
    names = ["newsgroups20.jsonl.gz"]
    text = read_text(names, data_home)
    if text is not None:
        rows = [json.loads(line) for line in text.rstrip("\n").split("\n")]
        target_names, target = _encode([row["label"] for row in rows])
        order = [i for split in ("train", "test") for i, row in enumerate(rows) if row["split"] == split]
        kept = [i for i in order if subset in ("all", rows[i]["split"])]
        data, ids = [rows[i]["text"] for i in kept], [rows[i]["id"] for i in kept]
        target = target[kept]
    else:
        from sklearn.datasets import fetch_20newsgroups

        try:
            fetched = fetch_20newsgroups(
                subset=subset,
                shuffle=False,
                remove=(),
                data_home=data_home,
                download_if_missing=download_if_missing,
            )
        except OSError as error:
            failed = ("it by scikit-learn", error) if download_if_missing else None
            again = "run sklearn.datasets.fetch_20newsgroups() where there is a network" if failed else CALL
            raise not_found("20 Newsgroups", names, data_home, again, failed=failed) from error
        data, target, target_names = fetched.data, fetched.target, list(fetched.target_names)
        ids = [str(name).replace("\\", "/").rpartition("/")[2] for name in fetched.filenames]
    return Bunch(
        data=data,
        target=target,
        target_names=target_names,
        ids=ids,
        DESCR=f"20 Newsgroups (Lang 1995), bydate, headers kept, subset={subset!r}: {len(data)} messages.",
    )


def load_ppattach(subset="train", *, data_home=None, download_if_missing=True):
    """Load the prepositional-phrase attachment decisions of Ratnaparkhi, Reynar and Roukos.

    Does "with a fork" in (eats, pizza, with, fork) belong to the verb (V) or to the noun (N)?

    Parameters
    ----------
    subset : {"train", "dev", "test"}, default="train"
        20,801, 4,039 or 3,097 decisions from the Wall Street Journal.
    data_home : path-like, default=None
        Folder with ``ppattach.tsv.gz`` and ``ppattach_wordclasses.tsv.gz``. Without them,
        NLTK's ``ppattach`` is read.
    download_if_missing : bool, default=True
        Whether to fetch the corpus from NLTK's data where there is no copy, and keep it in ``data_home``.

    Returns
    -------
    ppattach : :class:`~sklearn.utils.Bunch`
        data : list of tuples (verb, noun1, preposition, noun2); target : ndarray of shape (n_decisions,);
        target_names : ["N", "V"]; word_classes : dict from a word to its class in a hierarchical clustering,
        a string of 32 binary digits of which every prefix is a coarser class; DESCR : str.

    Raises
    ------
    FileNotFoundError
        If the corpus is in none of these places.

    See Also
    --------
    skmaxent.MaxEntRanker : A model of decisions between candidates.

    References
    ----------
    A. Ratnaparkhi, J. Reynar, S. Roukos (1994), A maximum entropy model for prepositional phrase
    attachment, HLT.

    Examples
    --------
    >>> from skmaxent.datasets import load_ppattach
    >>> decisions = load_ppattach("dev")  # doctest: +SKIP
    >>> len(decisions.data)  # doctest: +SKIP
    4039
    """
    fileids = {"train": "training", "dev": "devset", "test": "test"}
    check_option("load_ppattach", "subset", subset, fileids)
    names = ["ppattach.tsv.gz"], ["ppattach_wordclasses.tsv.gz"]
    table, classes = (read_text(name, data_home) for name in names)
    if table is not None and classes is not None:
        rows = [row[1:] for row in _rows(table) if row[0] == subset]
    else:
        table, classes = read_corpus(
            "The PP attachment corpus",
            "ppattach",
            lambda reader: (reader.raw(fileids[subset]), reader.raw("bitstrings")),
            [" and ".join(name for (name,) in names)],
            data_home,
            download_if_missing,
        )
        rows = [line.split()[1:] for line in table.split("\n") if line.strip()]
    target_names, target = _encode([row[4] for row in rows])
    return Bunch(
        data=[tuple(row[:4]) for row in rows],
        target=target,
        target_names=target_names,
        word_classes=dict(line.split() for line in classes.split("\n") if len(line.split()) == 2),
        DESCR=f"PP attachment (Ratnaparkhi et al. 1994), subset={subset!r}: {len(rows)} decisions.",
    )


def load_trec_questions(subset="train", *, labels="coarse", data_home=None, download_if_missing=True):
    """Load the questions of Li and Roth, classified by what kind of answer they ask for.

    Parameters
    ----------
    subset : {"train", "test"}, default="train"
        5,452 or 500 questions.
    labels : {"coarse", "fine"}, default="coarse"
        6 classes such as "HUM", or 50 such as "HUM:ind". The class indices are the same in both subsets.
    data_home : path-like, default=None
        Folder with ``trec_questions.tsv.gz``. Without it, NLTK's ``qc`` is read.
    download_if_missing : bool, default=True
        Whether to fetch the corpus from NLTK's data where there is no copy, and keep it in ``data_home``.

    Returns
    -------
    questions : :class:`~sklearn.utils.Bunch`
        data : list of str, tokens separated by blanks; target : ndarray of shape (n_questions,);
        target_names : list of str; DESCR : str.

    Raises
    ------
    FileNotFoundError
        If the corpus is in none of these places.

    See Also
    --------
    load_sentence_polarity : Another corpus of sentences.

    References
    ----------
    X. Li, D. Roth (2002), Learning question classifiers, COLING.

    Examples
    --------
    >>> from skmaxent.datasets import load_trec_questions
    >>> questions = load_trec_questions("test")  # doctest: +SKIP
    >>> len(questions.data)  # doctest: +SKIP
    500
    """
    check_option("load_trec_questions", "subset", subset, ("train", "test"))
    check_option("load_trec_questions", "labels", labels, ("coarse", "fine"))
    names = ["trec_questions.tsv.gz"]
    table = read_text(names, data_home)
    if table is not None:
        rows = [(split, fine, question) for split, _, fine, question in _rows(table)]
    else:
        raw = read_corpus(
            "The TREC question corpus",
            "qc",
            lambda reader: {split: reader.raw(f"{split}.txt") for split in ("train", "test")},
            names,
            data_home,
            download_if_missing,
        )
        lines = [(split, line.strip()) for split in raw for line in raw[split].split("\n") if line.strip()]
        rows = [(split, *line.split(" ", 1)) for split, line in lines]
    target_names, target = _encode(
        [fine if labels == "fine" else fine.partition(":")[0] for _, fine, _ in rows]
    )
    kept = [i for i, row in enumerate(rows) if row[0] == subset]
    return Bunch(
        data=[rows[i][2] for i in kept],
        target=target[kept],
        target_names=target_names,
        DESCR=f"TREC questions (Li & Roth 2002), subset={subset!r}, {labels} labels: {len(kept)} questions.",
    )


def load_senseval2(word="line", *, data_home=None):
    """Load occurrences of an ambiguous noun in context, labelled by its sense.

    Parameters
    ----------
    word : {"interest", "line"}, default="line"
        2,368 occurrences of "interest" or 4,146 of "line", 6 senses each.
    data_home : path-like, default=None
        Folder with ``senseval2.jsonl.gz``. Without it, NLTK's ``senseval`` is read, which NLTK downloads
        and only NLTK can read.

    Returns
    -------
    senseval2 : :class:`~sklearn.utils.Bunch`
        data : list of lists of str, the tokens; tags : list of lists, their parts of speech (None where a
        token has none); head : ndarray of shape (n_occurrences,), the position of the word among the tokens;
        target : ndarray of shape (n_occurrences,); target_names : list of 6 str; DESCR : str.

    Raises
    ------
    FileNotFoundError
        If the corpus is in none of these places.

    See Also
    --------
    load_trec_questions : Another corpus of short texts.

    References
    ----------
    R. Bruce, J. Wiebe (1994), Word-sense disambiguation using decomposable models, ACL ("interest").
    C. Leacock, G. Towell, E. Voorhees (1993), Corpus-based statistical sense resolution, HLT ("line").

    Examples
    --------
    >>> from skmaxent.datasets import load_senseval2
    >>> senses = load_senseval2("interest")  # doctest: +SKIP
    >>> len(senses.data)  # doctest: +SKIP
    2368
    """
    check_option("load_senseval2", "word", word, ("interest", "line"))

    def from_nltk(reader):
        rows = []
        for instance in reader.instances(f"{word}.pos"):
            # NLTK gives a token without a tag as a bare string.
            pairs = [(token, None) if isinstance(token, str) else token for token in instance.context]
            tokens, tags = zip(*pairs)
            rows.append(
                {"tokens": tokens, "tags": tags, "head": instance.position, "sense": instance.senses[0]}
            )
        return rows

    names = ["senseval2.jsonl.gz"]
    text = read_text(names, data_home)
    if text is not None:
        rows = [row for row in map(json.loads, text.rstrip("\n").split("\n")) if row["word"] == word]
    else:
        rows = read_nltk("senseval", from_nltk)
        if rows is None:
            raise not_found("The SENSEVAL-2 corpus", names, data_home, nltk_remedy("senseval"))
    target_names, target = _encode([row["sense"] for row in rows])
    return Bunch(
        data=[list(row["tokens"]) for row in rows],
        tags=[list(row["tags"]) for row in rows],
        head=np.array([row["head"] for row in rows]),
        target=target,
        target_names=target_names,
        DESCR=f"SENSEVAL-2, {word!r}: {len(rows)} occurrences.",
    )


def load_sentence_polarity(*, data_home=None, download_if_missing=True):
    """Load sentences of film reviews, positive or negative.

    Parameters
    ----------
    data_home : path-like, default=None
        Folder with ``sentence_polarity.tsv.gz``. Without it, NLTK's ``sentence_polarity`` is read.
    download_if_missing : bool, default=True
        Whether to fetch the corpus from NLTK's data where there is no copy, and keep it in ``data_home``.

    Returns
    -------
    polarity : :class:`~sklearn.utils.Bunch`
        data : list of 10,662 str, tokens separated by blanks; target : ndarray of shape (10662,);
        target_names : ["neg", "pos"]; DESCR : str.

    Raises
    ------
    FileNotFoundError
        If the corpus is in none of these places.

    See Also
    --------
    load_trec_questions : Another corpus of sentences.

    References
    ----------
    B. Pang, L. Lee (2005), Seeing stars: exploiting class relationships for sentiment categorization, ACL.

    Examples
    --------
    >>> from skmaxent.datasets import load_sentence_polarity
    >>> polarity = load_sentence_polarity()  # doctest: +SKIP
    >>> len(polarity.data)  # doctest: +SKIP
    10662
    """
    names = ["sentence_polarity.tsv.gz"]
    table = read_text(names, data_home)
    if table is not None:
        rows = _rows(table)
    else:
        raw = read_corpus(
            "The sentence polarity corpus",
            "sentence_polarity",
            lambda reader: {label: reader.raw(f"rt-polarity.{label}") for label in ("neg", "pos")},
            names,
            data_home,
            download_if_missing,
        )
        rows = [(label, line.strip()) for label in raw for line in raw[label].split("\n") if line.strip()]
    target_names, target = _encode([label for label, _ in rows])
    return Bunch(
        data=[sentence for _, sentence in rows],
        target=target,
        target_names=target_names,
        DESCR=f"Sentence polarity (Pang & Lee 2005): {len(rows)} sentences.",
    )
