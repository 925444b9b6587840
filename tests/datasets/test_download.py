"""Corpora that are fetched, from a server on this machine: checked, kept, refused when they are others."""

import hashlib
import io
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from skmaxent import datasets
from skmaxent.datasets import download, files

CORPORA = {
    "ppattach": {
        "training": "0 join board as director V\n1 is chairman of N.V. N\n",
        "bitstrings": "board 0101\nas 0011\n",
    },
    # One of its characters is not in UTF-8.
    "qc": {
        "train.txt": b"DESC:manner How did it end ?\nHUM:ind Who \xf0 ?\n",
        "test.txt": "NUM:count How many ?\n",
    },
    "sentence_polarity": {"rt-polarity.neg": "trop caf\u00e9 . \n", "rt-polarity.pos": "a joy . \n"},
    "conll2000": {"train.txt": "He PRP B-NP\nran VBD B-VP\n\nYes UH B-INTJ\n"},
    "conll2002": {"esp.train": "Melbourne NP B-LOC\n\nEl DA O\nNi\u00f1o NC B-PER\n\n"},
}
READ = {
    "ppattach": (
        datasets.load_ppattach,
        [("join", "board", "as", "director"), ("is", "chairman", "of", "N.V.")],
    ),
    "qc": (datasets.load_trec_questions, ["How did it end ?", "Who \u00f0 ?"]),
    "sentence_polarity": (datasets.load_sentence_polarity, ["trop caf\u00e9 .", "a joy ."]),
    "conll2000": (datasets.load_conll2000, [["He", "ran"], ["Yes"]]),
    "conll2002": (datasets.load_conll2002_spanish, [["Melbourne"], ["El", "Ni\u00f1o"]]),
}
TREEBANK = (
    "# newdoc id = d\n# sent_id = a\n# text = Go!\n"
    "1\tGo\tgo\tVERB\tVB\tMood=Imp\t0\troot\t0:root\tSpaceAfter=No|Cxn=Command\n"
    "2\t!\t!\tPUNCT\t.\t_\t1\tpunct\t1:punct\t_\n\n"
)
REDUCED = (
    TREEBANK.replace("0:root", "_").replace("1:punct", "_").replace("|Cxn=Command", "").split("\n", 1)[1]
)


def packed(corpus):
    """The archive of a corpus, as NLTK's data has them."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in CORPORA[corpus].items():
            archive.writestr(zipfile.ZipInfo(f"{corpus}/{name}"), content)  # without the time of day
    return data.getvalue()


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        self.server.requests.append(self.path)


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A server of the files in a folder; (folder, its list of requests). No other copies on this machine."""
    folder = tmp_path / "source"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    server.requests = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/"
    monkeypatch.setenv("SKMAXENT_DATA", str(tmp_path / "none"))
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "home"))
    monkeypatch.setattr(files, "read_nltk", lambda corpus, read: None)
    for module in (files, download):
        monkeypatch.setattr(module, "NLTK_DATA", address + "{}.zip")
    monkeypatch.setattr(datasets.sequences, "UD_EWT", address + "{}")
    monkeypatch.setattr(download, "RETRIES", 0)
    md5 = {corpus: hashlib.md5(packed(corpus)).hexdigest() for corpus in CORPORA}
    monkeypatch.setattr(download, "NLTK_MD5", md5)
    fingerprint = download.fingerprint(datasets.sequences._read_treebank(REDUCED))
    monkeypatch.setattr(
        datasets.sequences, "UD_EWT_FINGERPRINTS", dict.fromkeys(("train", "dev"), fingerprint)
    )
    yield folder, server.requests
    server.shutdown()
    server.server_close()


def kept(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("corpus", CORPORA)
def test_a_corpus_is_fetched_once(corpus, source, tmp_path):
    folder, requests = source
    (folder / f"{corpus}.zip").write_bytes(packed(corpus))
    loader, expected = READ[corpus]
    assert loader().data == expected
    assert kept(tmp_path / "home") == [f"{corpus}.zip"] and len(requests) == 1
    (folder / f"{corpus}.zip").unlink()
    assert loader().data == expected  # from the cache
    assert loader(download_if_missing=False).data == expected
    assert len(requests) == 1
    with pytest.raises(FileNotFoundError, match="was not found in the parameter data_home"):
        loader(data_home=tmp_path / "other", download_if_missing=False)


def test_data_home_is_where_it_is_kept(source, tmp_path):
    folder, requests = source
    (folder / "qc.zip").write_bytes(packed("qc"))
    for _ in range(2):
        assert len(datasets.load_trec_questions(data_home=tmp_path / "mine").data) == 2
    assert len(requests) == 1 and (tmp_path / "mine" / "skmaxent" / "qc.zip").is_file()
    assert not (tmp_path / "home").exists()


def test_a_wrong_checksum_is_refused_and_nothing_kept(source, tmp_path):
    folder, _ = source
    (folder / "qc.zip").write_bytes(packed("ppattach"))
    with pytest.raises(FileNotFoundError) as caught:
        datasets.load_trec_questions()
    message = str(caught.value)
    for part in (
        "MD5 checksum of qc.zip",
        "differs from expected",
        "not kept",
        "nltk.downloader qc",
        "127.0.0.1",
    ):
        assert part in message
    assert kept(tmp_path / "home") == []
    (folder / "qc.zip").write_bytes(packed("qc"))
    assert len(datasets.load_trec_questions().data) == 2


@pytest.mark.parametrize("corpus", CORPORA)
def test_without_a_network_the_error_says_what_to_do(corpus, source, tmp_path, monkeypatch):
    for module in (files, download):
        monkeypatch.setattr(module, "NLTK_DATA", "http://127.0.0.1:9/{}.zip")  # where nobody listens
    with pytest.raises(FileNotFoundError) as caught:
        READ[corpus][0]()
    message = str(caught.value)
    for part in (
        f"downloading http://127.0.0.1:9/{corpus}.zip failed",
        f"by other means to {tmp_path / 'home' / 'skmaxent' / corpus}.zip",
        f"nltk.downloader {corpus}",
        "data_home",
    ):
        assert part in message
    assert "download_if_missing" not in message  # that was on
    assert message.count(". ") == 1
    assert kept(tmp_path / "home") == []
    by_hand = tmp_path / "home" / "skmaxent" / f"{corpus}.zip"
    by_hand.write_bytes(packed(corpus))
    assert READ[corpus][0]().data == READ[corpus][1]


def test_the_treebank_is_checked_by_what_is_read_from_it(source, tmp_path):
    """Columns and comments that are not read may be there or not."""
    folder, requests = source
    (folder / "en_ewt-ud-train.conllu").write_bytes(TREEBANK.encode())
    for _ in range(2):
        treebank = datasets.load_ud_ewt()
        assert (treebank.data, treebank.space_after) == ([["Go", "!"]], [[False, True]])
    _, y = datasets.load_ud_ewt_pos()
    assert y == ["VERB", "PUNCT"] and len(requests) == 1
    (folder / "en_ewt-ud-dev.conllu").write_bytes(TREEBANK.replace("VERB", "NOUN").encode())
    with pytest.raises(FileNotFoundError, match=r"SHA256 checksum of the content of en_ewt-ud-dev.conllu \("):
        datasets.load_ud_ewt("dev")
    with pytest.raises(FileNotFoundError, match=r"HTTP Error 404.*release r2.15 of https://github.com"):
        datasets.load_ud_ewt("test")
    assert kept(tmp_path / "home") == ["en_ewt-ud-train.conllu"]


def test_twenty_newsgroups_is_scikit_learns_to_fetch(source, tmp_path, monkeypatch):
    asked = []

    def fetch(**options):
        asked.append(options)
        raise OSError("no route")

    monkeypatch.setattr("sklearn.datasets.fetch_20newsgroups", fetch)
    with pytest.raises(FileNotFoundError, match=r"by scikit-learn failed: no route.*fetch_20newsgroups"):
        datasets.load_newsgroups(data_home=tmp_path)
    with pytest.raises(FileNotFoundError, match="download_if_missing=True"):
        datasets.load_newsgroups(download_if_missing=False)
    assert [(o["data_home"], o["download_if_missing"]) for o in asked] == [(tmp_path, True), (None, False)]


def test_the_suite_downloads_nothing():
    import urllib.request

    with pytest.raises(pytest.fail.Exception, match="was to be downloaded"):
        urllib.request.urlopen("https://example.org/")


@pytest.mark.parametrize("subset", ["train", "dev", "test"])
def test_the_fingerprints_are_those_of_the_treebank(subset, real_corpus):
    treebank = real_corpus(datasets.load_ud_ewt, subset)
    fields = [field for field in treebank if field != "DESCR"]
    sentences = [dict(zip(fields, values)) for values in zip(*(treebank[field] for field in fields))]
    assert download.fingerprint(sentences) == download.UD_EWT_FINGERPRINTS[subset]
