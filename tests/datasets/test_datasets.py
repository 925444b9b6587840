"""The corpora have the published sizes, the docstring corpus is what it says, and errors name the choices."""

import gzip
import re
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.feature_extraction import DictVectorizer

from skmaxent import datasets

DOCUMENT_SIZES = [
    (datasets.load_newsgroups, "train", {}, 11314, 20),
    (datasets.load_newsgroups, "test", {}, 7532, 20),
    (datasets.load_newsgroups, "all", {}, 18846, 20),
    (datasets.load_ppattach, "train", {}, 20801, 2),
    (datasets.load_ppattach, "dev", {}, 4039, 2),
    (datasets.load_ppattach, "test", {}, 3097, 2),
    (datasets.load_trec_questions, "train", {"labels": "coarse"}, 5452, 6),
    (datasets.load_trec_questions, "test", {"labels": "coarse"}, 500, 6),
    (datasets.load_trec_questions, "train", {"labels": "fine"}, 5452, 50),
    (datasets.load_senseval2, "interest", {}, 2368, 6),
    (datasets.load_senseval2, "line", {}, 4146, 6),
    (datasets.load_sentence_polarity, None, {}, 10662, 2),
]
SENTENCE_SIZES = [
    (datasets.load_ud_ewt, "train", 12544),
    (datasets.load_ud_ewt, "dev", 2001),
    (datasets.load_ud_ewt, "test", 2077),
    (datasets.load_conll2000, "train", 8936),
    (datasets.load_conll2000, "test", 2012),
    (datasets.load_conll2002_spanish, "train", 8323),
    (datasets.load_conll2002_spanish, "dev", 1915),
    (datasets.load_conll2002_spanish, "test", 1517),
]
LOADERS = sorted(
    {loader for loader, *_ in DOCUMENT_SIZES + SENTENCE_SIZES}, key=lambda loader: loader.__name__
)


@pytest.fixture
def no_corpora(monkeypatch, tmp_path):
    """A machine without any corpus; returns an empty folder."""
    monkeypatch.setenv("SKMAXENT_DATA", str(tmp_path))
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "scikit_learn_data"))
    without_nltk(monkeypatch, lambda corpus, read: None)
    return tmp_path


def without_nltk(monkeypatch, stand_in):
    """Put a function in place of the look at NLTK's copies."""
    for module in ("documents", "files"):
        monkeypatch.setattr(getattr(datasets, module), "read_nltk", stand_in)


def write(path, text):
    with gzip.open(path, "wt", encoding="utf-8", newline="\n") as file:
        file.write(text)


@pytest.mark.parametrize("loader, subset, options, n_documents, n_classes", DOCUMENT_SIZES)
def test_document_sizes(loader, subset, options, n_documents, n_classes, real_corpus):
    corpus = real_corpus(loader, subset, **options)
    assert len(corpus.data) == len(corpus.target) == n_documents
    assert len(corpus.target_names) == n_classes
    assert corpus.target_names == sorted(corpus.target_names)
    if subset != "test":
        assert_array_equal(np.unique(corpus.target), np.arange(n_classes))
    assert str(n_documents) in corpus.DESCR


@pytest.mark.parametrize("loader, subset, n_sentences", SENTENCE_SIZES)
def test_sentence_sizes(loader, subset, n_sentences, real_corpus):
    corpus = real_corpus(loader, subset)
    assert len(corpus.data) == n_sentences
    lengths = [len(words) for words in corpus.data]
    assert min(lengths) > 0
    for field in {"pos", "tags", "upos", "xpos", "lemmas", "feats", "heads", "deprels", "space_after"} & set(
        corpus
    ):
        assert [len(column) for column in corpus[field]] == lengths, field


def test_newsgroups_all_is_train_then_test(real_corpus):
    parts = [real_corpus(datasets.load_newsgroups, subset) for subset in ("train", "test")]
    both = real_corpus(datasets.load_newsgroups, "all")
    assert both.data == parts[0].data + parts[1].data
    assert_array_equal(both.target, np.concatenate([part.target for part in parts]))
    assert both.target_names == parts[1].target_names
    assert sum("Subject:" in text for text in both.data) > 18800  # the headers are kept


def test_ppattach_baselines(real_corpus):
    """The published baselines: always noun 59.0 %; nearly every head word has a word class."""
    test = real_corpus(datasets.load_ppattach, "test")
    assert test.target_names == ["N", "V"]
    assert round(100 * np.mean(test.target == 0), 1) == 59.0
    assert {len(bits) for bits in test.word_classes.values()} == {32}
    words = [word for heads in test.data for word in heads]
    assert np.mean([word in test.word_classes for word in words]) > 0.9


def test_trec_fine_refines_coarse(real_corpus):
    coarse, fine = (
        real_corpus(datasets.load_trec_questions, "train", labels=labels) for labels in ("coarse", "fine")
    )
    assert coarse.data == fine.data
    assert [coarse.target_names[i] for i in coarse.target] == [
        fine.target_names[i].partition(":")[0] for i in fine.target
    ]


def test_senseval2_head_is_a_form_of_the_word(real_corpus):
    for word in ("interest", "line"):
        corpus = real_corpus(datasets.load_senseval2, word)
        heads = [tokens[i].lower() for tokens, i in zip(corpus.data, corpus.head)]
        assert np.mean([head.startswith(word) for head in heads]) > 0.99


def test_ud_ewt_raw_text_is_words_and_blanks(real_corpus):
    treebank = real_corpus(datasets.load_ud_ewt, "dev")
    rebuilt = [
        "".join(word + " " * blank for word, blank in zip(words, blanks)).strip()
        for words, blanks in zip(treebank.data, treebank.space_after)
    ]
    # Some multi-word tokens are not the concatenation of their words.
    assert np.mean([a == b.strip() for a, b in zip(rebuilt, treebank.text)]) > 0.98
    assert all(heads.count(0) == 1 and max(heads) <= len(heads) for heads in treebank.heads)


def test_ud_ewt_part_of_speech_matrix(real_corpus):
    X, y = real_corpus(datasets.load_ud_ewt_pos, "train")
    matrix = DictVectorizer().fit_transform(X)
    assert matrix.shape == (len(y), matrix.shape[1]) == (204577, 71882)
    assert len(set(y)) == 17
    assert_array_equal(np.diff(matrix.indptr), 12)


def test_pos_window_features_at_the_ends():
    alone = datasets.pos_window_features(["B-52s"], 0)
    assert (alone["previous"], alone["next"]) == ("<s>", "</s>")
    assert (alone["shape"], alone["prefix3"], alone["suffix3"]) == ("X-dx", "B-5", "52s")
    words = ["a", "bc", "def", "ghij", "klmno"]
    for i, word in enumerate(words):
        features = datasets.pos_window_features(words, i)
        padded = ["<s>", "<s>", *words, "</s>", "</s>"]
        assert features["word"] == word
        assert [features["previous"], features["next"]] == [padded[i + 1], padded[i + 3]]
        assert features["previous2_suffix2"] == padded[i][-2:]
        assert features["next2_suffix2"] == padded[i + 4][-2:]


def test_conllu_multiword_tokens_and_empty_nodes(no_corpora):
    rows = [
        ("1-2", "don't", "SpaceAfter=No"),
        ("1", "do", "_"),
        ("2", "n't", "_"),
        ("2.1", "stop", "_"),
        ("3", "!", "CorrectForm=_|SpaceAfter=No"),
    ]
    lines = [
        "\t".join([number, form, *"_____", "0" if number == "3" else "3", "_", "_", misc])
        for number, form, misc in rows
    ]
    lines = [line.replace("\t_\t_\t_\t_\t_\t", "\t_\t_\t_\t_\t", 1) for line in lines]
    path = no_corpora / "en_ewt-ud-test.conllu"  # as the release names it, not compressed
    path.write_text("# sent_id = a\n# text = don't!\n" + "\n".join(lines) + "\n\n", encoding="utf-8")
    treebank = datasets.load_ud_ewt("test", data_home=no_corpora)
    assert treebank.data == [["do", "n't", "!"]]
    assert treebank.space_after == [[False, False, False]]
    assert (treebank.heads, treebank.text, treebank.sent_ids) == ([[3, 3, 0]], ["don't!"], ["a"])


def test_data_home_comes_before_the_environment(no_corpora, tmp_path):
    (tmp_path / "home").mkdir()
    write(tmp_path / "sentence_polarity.tsv.gz", "label\tsentence\npos\tof the environment\n")
    write(tmp_path / "home" / "sentence_polarity.tsv.gz", "label\tsentence\nneg\tof\u2028data_home\rhere\n")
    assert datasets.load_sentence_polarity().data == ["of the environment"]
    corpus = datasets.load_sentence_polarity(data_home=tmp_path / "home")
    assert corpus.data == ["of\u2028data_home\rhere"]  # only "\n" ends a row


@pytest.mark.parametrize("loader", LOADERS)
def test_absent_corpus_names_the_choices(loader, no_corpora):
    options = {} if loader is datasets.load_senseval2 else {"download_if_missing": False}
    with pytest.raises(FileNotFoundError) as caught:
        loader(data_home=no_corpora / "nowhere", **options)
    message = str(caught.value)
    for choice in ("data_home", str(no_corpora / "nowhere"), "SKMAXENT_DATA", str(no_corpora), ".gz", "(2)"):
        assert choice in message
    assert ("download_if_missing=True" in message) == (loader is not datasets.load_senseval2)
    ways = "nltk.downloader", "release r2.15", "download_if_missing"
    assert any(way in message for way in ways)
    assert "checkout" not in message and "../" not in message and "shared" not in message
    assert message.count(". ") == 1 and len(message) < 700  # two sentences
    if loader is not datasets.load_newsgroups:  # scikit-learn's makes it
        assert not (no_corpora / "nowhere").exists()


@pytest.mark.parametrize(
    "loader", [loader for loader in LOADERS if loader is not datasets.load_sentence_polarity]
)
def test_unknown_subset(loader):
    with pytest.raises(
        ValueError, match=rf"parameter of {loader.__name__} must be a str among .* Got 'dive' instead"
    ):
        loader("dive")


class FakeReader:
    """Stands in for a reader of NLTK's: its raw files, in the formats of NLTK's data."""

    files = {
        "training": "0 join board as director V\n1 is chairman of N.V. N\n",
        "bitstrings": "board 0101\nas 0011\n",
        "train.txt": "DESC:manner How did it end ?\nHUM:ind Who came ?\n",
        "test.txt": "NUM:count How many ?\n",
        "rt-polarity.neg": "too long . \n",
        "rt-polarity.pos": "a joy . \n",
        "esp.train": "Melbourne NP B-LOC\n\nEl DA O\nAbogado NC B-PER\n\n",
    }

    def raw(self, fileid):
        return self.files[fileid]


def test_nltk_copies(no_corpora, monkeypatch):
    without_nltk(monkeypatch, lambda corpus, read: read(FakeReader()))
    ppattach = datasets.load_ppattach()
    assert ppattach.data == [("join", "board", "as", "director"), ("is", "chairman", "of", "N.V.")]
    assert ppattach.target.tolist() == [1, 0]
    assert ppattach.word_classes == {"board": "0101", "as": "0011"}
    questions = datasets.load_trec_questions(labels="fine")
    assert questions.data == ["How did it end ?", "Who came ?"]
    assert questions.target_names == ["DESC:manner", "HUM:ind", "NUM:count"]
    polarity = datasets.load_sentence_polarity()
    assert list(zip(polarity.data, polarity.target)) == [("too long .", 0), ("a joy .", 1)]
    entities = datasets.load_conll2002_spanish()
    assert (entities.data, entities.tags) == ([["Melbourne"], ["El", "Abogado"]], [["B-LOC"], ["O", "B-PER"]])


@pytest.fixture(scope="module")
def docstrings():
    return datasets.load_docstrings()


def test_docstrings_size(docstrings):
    counts = np.bincount(docstrings.target)
    assert len(docstrings.data) == len(docstrings.target) == len(docstrings.names) > 4500
    assert len(counts) == len(docstrings.target_names) >= 30
    assert counts.min() >= 40
    assert docstrings.target_names == sorted(set(docstrings.target_names))
    assert {name.partition(".")[0] for name in docstrings.target_names} == set(docstrings.versions)
    for text in (str(len(docstrings.data)), str(len(counts)), *docstrings.versions.values()):
        assert text in docstrings.DESCR


def test_docstrings_are_distinct_and_long_enough(docstrings):
    words = [tuple(text.lower().split()) for text in docstrings.data]
    assert len(set(words)) == len(words)
    assert min(map(len, words)) >= 5


def test_docstrings_do_not_give_the_class_away(docstrings):
    text = "\n".join(docstrings.data)
    assert ">>>" not in text
    for name in docstrings.target_names:
        assert name not in text
    assert not re.search(r"^\s*(import|from) (numpy|scipy|sklearn)\b", text, flags=re.MULTILINE)
    assert not re.search(r"\b(numpy|scipy|sklearn|np|linalg|stats)\.\w", text)


def test_docstrings_contain_what_is_documented(docstrings):
    for name in ("sklearn.linear_model._logistic.LogisticRegression", "scipy.special.bdtr"):
        assert name in docstrings.names
    logistic = docstrings.names.index("sklearn.linear_model._logistic.LogisticRegression")
    assert docstrings.target_names[docstrings.target[logistic]] == "sklearn.linear_model"
    assert docstrings.data[logistic].startswith("Logistic Regression")
    methods = [name for name in docstrings.names if name.endswith(".flatiter.base")]
    assert methods and all(name.startswith("numpy.") for name in methods)  # from add_newdoc
    assert not any(".tests." in name or ".externals." in name for name in docstrings.names)
    private = [name for name in docstrings.names if name.rpartition(".")[2].startswith("_")]
    modules_and_special = [
        name for name in private if name.endswith("__") or name.rpartition(".")[2].islower()
    ]
    assert len(private) == len(modules_and_special)


def test_docstrings_are_the_same_every_time(docstrings):
    datasets.docstrings._corpus.cache_clear()
    data, target = datasets.load_docstrings(return_X_y=True)
    assert data == docstrings.data
    assert_array_equal(target, docstrings.target)


def test_docstrings_min_documents(docstrings):
    large = datasets.load_docstrings(min_documents=100)
    assert np.bincount(large.target).min() >= 100
    # A small subpackage inside another is counted with its parent.
    assert (
        "scipy.sparse.linalg" in docstrings.target_names and "scipy.sparse.linalg" not in large.target_names
    )
    assert any(name.startswith("scipy.sparse.linalg.") for name in large.names)
    with pytest.raises(ValueError, match=r"'min_documents' parameter of load_docstrings must be an int"):
        datasets.load_docstrings(min_documents=0)
    with pytest.raises(ValueError, match="No class has 1000000 documents"):
        datasets.load_docstrings(min_documents=10**6)


def test_docstrings_import_nothing_they_read():
    script = (
        "import sys; from skmaxent.datasets import load_docstrings\n"
        "before = set(sys.modules); load_docstrings()\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(*sorted(new - sys.stdlib_module_names))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""


def test_cleaning():
    docstring = """
        solve(a, b, *, lower=False)

        Solve with `scipy.linalg.solve` or np.linalg.solve.

        Read more in the :ref:`User Guide <linear_solvers>`; :ref:`glossary`.

        >>> from scipy import linalg
        >>> linalg.solve(a, b)
        array([1., 2.])

        After.
        """
    cleaned = datasets.docstrings._clean(docstring)
    assert cleaned.startswith("Solve with")
    assert "User Guide;" in cleaned and "linear_solvers" not in cleaned and "glossary" not in cleaned
    assert "array(" not in cleaned and cleaned.endswith("After.")
