"""Loaders of annotated sentences, and features of a token in its window."""

from itertools import groupby

from sklearn.utils import Bunch

from .download import UD_EWT, UD_EWT_FINGERPRINTS, compare, fetch, fingerprint
from .files import CALL, check_option, not_found, read_corpus, read_text


def load_ud_ewt(subset="train", *, data_home=None, download_if_missing=True):
    """Load the English Web Treebank of Universal Dependencies, version 2.15.

    Parameters
    ----------
    subset : {"train", "dev", "test"}, default="train"
        12,544, 2,001 or 2,077 sentences.
    data_home : path-like, default=None
        Folder with ``ud_ewt.{subset}.conllu.gz`` or the release's own ``en_ewt-ud-{subset}.conllu``.
    download_if_missing : bool, default=True
        Whether to fetch the corpus from its release where there is no copy, and keep it in ``data_home``.

    Returns
    -------
    treebank : :class:`~sklearn.utils.Bunch`
        Lists with one entry a sentence. ``data`` (the words), ``lemmas``, ``upos``, ``xpos``, ``feats`` and
        ``deprels`` hold a list of str with one entry a syntactic word; ``heads`` a list of int, the number of
        the word's head, counted from 1, 0 for the root; ``space_after`` a list of bool, whether a blank
        follows the word in the raw text. ``text`` is the raw text, ``sent_ids`` the identifier, a str. Lines
        of multi-word tokens (such as "don't", whose words are "do" and "n't") and empty nodes are no words of
        their own. DESCR : str.

    Raises
    ------
    FileNotFoundError
        If the corpus is in none of these places.

    See Also
    --------
    load_ud_ewt_pos : The same as rows for a classifier.

    References
    ----------
    N. Silveira et al. (2014), A gold standard dependency corpus for English, LREC.
    https://universaldependencies.org/format.html

    Examples
    --------
    >>> from skmaxent.datasets import load_ud_ewt
    >>> treebank = load_ud_ewt("dev")  # doctest: +SKIP
    >>> len(treebank.data)  # doctest: +SKIP
    2001
    """
    check_option("load_ud_ewt", "subset", subset, ("train", "dev", "test"))
    names = [f"ud_ewt.{subset}.conllu.gz", f"en_ewt-ud-{subset}.conllu", f"en_ewt-ud-{subset}.conllu.gz"]
    text = read_text(names, data_home)
    if text is None:
        text = _fetch_ud_ewt(subset, names, data_home, download_if_missing)
    sentences = _read_treebank(text)
    return Bunch(
        **{field: [sentence[field] for sentence in sentences] for field in sentences[0]},
        DESCR=f"Universal Dependencies English EWT 2.15, subset={subset!r}: {len(sentences)} sentences.",
    )


def _fetch_ud_ewt(subset, names, data_home, download_if_missing):
    """The text of a file of the release, downloaded."""
    name = names[1]
    by_hand = f"download {name} from release r2.15 of https://github.com/UniversalDependencies/UD_English-EWT"
    if not download_if_missing:
        raise not_found("UD English EWT", names[:2], data_home, CALL, by_hand)

    def check(path):
        found = fingerprint(_read_treebank(path.read_bytes().decode()))
        compare(name, "SHA256 checksum of the content", found, UD_EWT_FINGERPRINTS[subset])

    try:
        return fetch(UD_EWT.format(name), name, data_home, check).read_bytes().decode()
    except OSError as error:
        failed = UD_EWT.format(name), error
        raise not_found("UD English EWT", names[:2], data_home, by_hand, failed=failed) from error


def _read_treebank(text):
    """The sentences of a CoNLL-U file."""
    return [_read_conllu(block.split("\n")) for block in text.strip("\n").split("\n\n")]


def _read_conllu(lines):
    """One sentence of a CoNLL-U file, as a dict of the fields of `load_ud_ewt`."""
    comments = dict(line[2:].split(" = ", 1) for line in lines if line.startswith("# ") and " = " in line)
    words, inside = [], {}
    for line in lines:
        if line.startswith("#"):
            continue
        columns = line.split("\t")
        glued = "SpaceAfter=No" in columns[9].split("|")
        if "-" in columns[0]:
            # No blank between the words of a token; after its last word, what holds for the token.
            first, last = map(int, columns[0].split("-"))
            inside = {**dict.fromkeys(range(first, last), True), last: glued}
        elif "." not in columns[0]:
            words.append([*columns[1:8], not inside.get(int(columns[0]), glued)])
    form, lemmas, upos, xpos, feats, heads, deprels, space_after = map(list, zip(*words))
    return {
        "data": form,
        "lemmas": lemmas,
        "upos": upos,
        "xpos": xpos,
        "feats": feats,
        "heads": [int(head) for head in heads],
        "deprels": deprels,
        "space_after": space_after,
        "text": comments.get("text", ""),
        "sent_ids": comments.get("sent_id", ""),
    }


def load_ud_ewt_pos(subset="train", *, data_home=None, download_if_missing=True):
    """Load part-of-speech tagging on UD English EWT as classification: one row a word.

    With :class:`~sklearn.feature_extraction.DictVectorizer`, the training set is a matrix with 204,577 rows,
    71,882 columns and 12 ones a row; there are 17 classes.

    Parameters
    ----------
    subset : {"train", "dev", "test"}, default="train"
        204,577, 25,147 or 25,094 words.
    data_home : path-like, default=None
        See `load_ud_ewt`.
    download_if_missing : bool, default=True
        See `load_ud_ewt`.

    Returns
    -------
    X : list of dict
        The `pos_window_features` of every word.
    y : list of str
        Its universal part of speech, such as "NOUN".

    See Also
    --------
    load_ud_ewt : The sentences themselves.

    Examples
    --------
    >>> from skmaxent.datasets import load_ud_ewt_pos
    >>> X, y = load_ud_ewt_pos("dev")  # doctest: +SKIP
    >>> len(X)  # doctest: +SKIP
    25147
    """
    treebank = load_ud_ewt(subset, data_home=data_home, download_if_missing=download_if_missing)
    X = [pos_window_features(words, i) for words in treebank.data for i in range(len(words))]
    return X, [tag for tags in treebank.upos for tag in tags]


def pos_window_features(words, i):
    """Features of a word and its neighbours, by which to tell its part of speech.

    No feature looks at tags, so a sentence is tagged in one call of predict. The templates follow Ratnaparkhi
    (1996), A maximum entropy model for part-of-speech tagging, EMNLP: the word and its neighbours, its first
    and last letters, and its shape (capitals, digits, punctuation), here for every word and not for rare ones
    only.

    Parameters
    ----------
    words : sequence of str
        The words of a sentence.
    i : int
        Position of the word.

    Returns
    -------
    features : dict
        12 strings, to be one-hot encoded by :class:`~sklearn.feature_extraction.DictVectorizer`.

    See Also
    --------
    load_ud_ewt_pos : A corpus with these features.

    Examples
    --------
    >>> from skmaxent.datasets import pos_window_features
    >>> features = pos_window_features(["In", "March", "2004", ",", "Bush", "won"], 1)
    >>> features["shape"], features["suffix2"], features["next"], features["next2_suffix2"]
    ('Xx', 'ch', '2004', ',')
    """
    word = words[i]
    kinds = ("X" if c.isupper() else "x" if c.islower() else "d" if c.isdigit() else c for c in word)
    before, after = ["<s>", "<s>", *words[max(i - 2, 0) : i]], [*words[i + 1 : i + 3], "</s>", "</s>"]
    return {
        "word": word,
        "shape": "".join(kind for kind, _ in groupby(kinds)),
        "prefix1": word[:1],
        "prefix2": word[:2],
        "prefix3": word[:3],
        "suffix1": word[-1:],
        "suffix2": word[-2:],
        "suffix3": word[-3:],
        "previous": before[-1],
        "next": after[0],
        "previous2_suffix2": before[-2][-2:],
        "next2_suffix2": after[1][-2:],
    }


def load_conll2000(subset="train", *, data_home=None, download_if_missing=True):
    """Load the CoNLL-2000 shared task: chunks (noun phrases, verb phrases, ...) in newspaper sentences.

    Parameters
    ----------
    subset : {"train", "test"}, default="train"
        8,936 or 2,012 sentences.
    data_home : path-like, default=None
        Folder with ``conll2000_chunking.{subset}.gz``. Without it, NLTK's ``conll2000`` is read.
    download_if_missing : bool, default=True
        Whether to fetch the corpus from NLTK's data where there is no copy, and keep it in ``data_home``.

    Returns
    -------
    chunks : :class:`~sklearn.utils.Bunch`
        data, pos, tags : lists with one list of str a sentence: the words, their parts of speech, and their
        chunk tags in the IOB2 scheme, such as "B-NP"; tag_names : sorted list of the tags; DESCR : str.

    Raises
    ------
    FileNotFoundError
        If the corpus is in none of these places.

    See Also
    --------
    load_conll2002_spanish : Names in sentences.

    References
    ----------
    E. Tjong Kim Sang, S. Buchholz (2000), Introduction to the CoNLL-2000 shared task: chunking, CoNLL.

    Examples
    --------
    >>> from skmaxent.datasets import load_conll2000
    >>> chunks = load_conll2000("test")  # doctest: +SKIP
    >>> len(chunks.data)  # doctest: +SKIP
    2012
    """
    fileids = {"train": "train.txt", "test": "test.txt"}
    check_option("load_conll2000", "subset", subset, fileids)
    return _load_columns(
        "CoNLL-2000 chunking",
        f"conll2000_chunking.{subset}.gz",
        ("conll2000", fileids[subset]),
        data_home,
        download_if_missing,
    )


def load_conll2002_spanish(subset="train", *, data_home=None, download_if_missing=True):
    """Load the Spanish part of the CoNLL-2002 shared task: names of persons, places, organisations, others.

    Parameters
    ----------
    subset : {"train", "dev", "test"}, default="train"
        8,323, 1,915 or 1,517 sentences ("dev" is the task's testa, "test" its testb).
    data_home : path-like, default=None
        Folder with ``conll2002_spanish.{subset}.gz``. Without it, NLTK's ``conll2002`` is read.
    download_if_missing : bool, default=True
        Whether to fetch the corpus from NLTK's data where there is no copy, and keep it in ``data_home``.

    Returns
    -------
    entities : :class:`~sklearn.utils.Bunch`
        data, pos, tags : lists with one list of str a sentence: the words, their parts of speech, and their
        entity tags in the IOB2 scheme, such as "B-PER"; tag_names : sorted list of the tags; DESCR : str.

    Raises
    ------
    FileNotFoundError
        If the corpus is in none of these places.

    See Also
    --------
    load_conll2000 : Chunks of sentences.

    References
    ----------
    E. Tjong Kim Sang (2002), Introduction to the CoNLL-2002 shared task: language-independent named entity
    recognition, CoNLL.

    Examples
    --------
    >>> from skmaxent.datasets import load_conll2002_spanish
    >>> names = load_conll2002_spanish("dev")  # doctest: +SKIP
    >>> len(names.data)  # doctest: +SKIP
    1915
    """
    fileids = {"train": "esp.train", "dev": "esp.testa", "test": "esp.testb"}
    check_option("load_conll2002_spanish", "subset", subset, fileids)
    return _load_columns(
        "CoNLL-2002 Spanish",
        f"conll2002_spanish.{subset}.gz",
        ("conll2002", fileids[subset]),
        data_home,
        download_if_missing,
    )


def _load_columns(title, name, in_nltk, data_home, download_if_missing):
    """Read sentences of lines "word part-of-speech tag", ended by an empty line."""
    text = read_text([name], data_home)
    if text is None:
        corpus, fileid = in_nltk
        text = read_corpus(
            title, corpus, lambda reader: reader.raw(fileid), [name], data_home, download_if_missing
        )
    sentences, columns = [], []
    for line in [*text.split("\n"), ""]:
        if line.strip():
            columns.append(line.split())
        elif columns:
            sentences.append([list(column) for column in zip(*columns)])
            columns = []
    data, pos, tags = map(list, zip(*sentences))
    return Bunch(
        data=data,
        pos=pos,
        tags=tags,
        tag_names=sorted({tag for sentence in tags for tag in sentence}),
        DESCR=f"{title}: {len(data)} sentences.",
    )
