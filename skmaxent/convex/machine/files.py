"""Parts in files: a folder with one file of arrays, mapped into memory, and one that says where each is.

The folder is written under another name and renamed when it is complete. The description holds shapes, dtypes
and a checksum of each block, and a checksum of itself.
"""

import json
import mmap
import os
import shutil
import tempfile
import zlib
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy import sparse

from ...numerics.sparse import assembled
from ...numerics.threads import ThreadBuffers
from .backends import BlockBackend
from .block import Block
from .parts import Part, Survey
from .scratch import Scratch

DESCRIPTION, ARRAYS = "skmaxent-partitions.json", "arrays.bin"
MAGIC = b"skmaxent partitions 1\n"
VERSION = 1
ALIGNMENT = 64
# Numbers of a block, of X or of its scores: what a thread works on at a time, several MB.
BLOCK_NUMBERS = 2_000_000
# Bytes whose checksum is taken at a time.
CHUNK = 1 << 24


class Writer:
    """Writes parts into a new folder; a context manager, at whose regular end the folder appears.

    Parameters
    ----------
    folder : path
        Must not exist, or be empty.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        if self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir())):
            raise FileExistsError(f"{self.folder} exists already: give the name of a new folder.")
        self._blocks, self._n_columns, self._dtype, self._n_partitions = [], None, None, 0

    def __enter__(self):
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self._building = Path(
            tempfile.mkdtemp(prefix=f".{self.folder.name}.", suffix=".writing", dir=self.folder.parent)
        )
        self._file = (self._building / ARRAYS).open("wb")
        self._file.write(MAGIC)
        return self

    def add(self, part, dtype):
        """Write the next partition, in blocks; `dtype` is that of the model's weights."""
        number = self._n_partitions
        self._n_partitions += 1
        self._dtype = np.result_type(dtype, self._dtype or dtype)
        self._n_columns = part.n_columns
        for block in _cut(part):
            arrays = _arrays(block)
            entry = {
                "partition": number,
                "shape": list(block.X.shape),
                "sparse": sparse.issparse(block.X),
                "ones": sparse.issparse(block.X) and "data" not in arrays,
                "dtype": np.dtype(block.X.dtype).str,
                "start": self._aligned(),
                "arrays": {},
            }
            crc = 0
            for name, array in arrays.items():
                offset = self._aligned()
                content = np.ascontiguousarray(array)
                self._file.write(content.data.cast("B") if content.size else b"")
                entry["arrays"][name] = [content.dtype.str, list(content.shape), offset]
                crc = zlib.crc32(content.data.cast("B") if content.size else b"", crc)
            entry["end"], entry["crc32"] = self._file.tell(), crc
            self._blocks.append(entry)

    def _aligned(self):
        self._file.write(bytes(-self._file.tell() % ALIGNMENT))
        return self._file.tell()

    def __exit__(self, kind, *error):
        self._file.flush()
        size = self._file.tell()
        os.fsync(self._file.fileno())
        self._file.close()
        if kind is not None:
            shutil.rmtree(self._building, ignore_errors=True)
            return
        content = {
            "version": VERSION,
            "n_columns": self._n_columns,
            "n_partitions": self._n_partitions,
            "dtype": np.dtype(self._dtype).str,
            "bytes": size,
            "blocks": self._blocks,
        }
        text = json.dumps(content)
        (self._building / DESCRIPTION).write_text(
            json.dumps({"crc32": zlib.crc32(text.encode()), "content": text}), encoding="utf-8"
        )
        self._building.rename(self.folder)


def _cut(part):
    """The part in blocks of rows."""
    n, K = len(part), part.masses.shape[1] if part.masses is not None else len(part.classes)
    if not n:
        return
    numbers = n * K + (part.X.nnz if sparse.issparse(part.X) else part.X.size)
    n_blocks = min(n, -(-numbers // BLOCK_NUMBERS))
    edges = [n * i // n_blocks for i in range(n_blocks + 1)]
    for start, stop in pairwise(edges):
        rows = slice(start, stop)
        codes, masses, weights = (
            None if values is None else values[rows]
            for values in (part.codes, part.masses, part.sample_weight)
        )
        X, columns = part.X[rows], part.columns
        if sparse.issparse(X):
            used, local = np.unique(X.indices, return_inverse=True)
            X = sparse.csr_array(
                (X.data, local.reshape(-1).astype(np.int32), X.indptr), (len(X.indptr) - 1, len(used))
            )
            columns = columns[used]
        yield replace(part, X=X, columns=columns, codes=codes, masses=masses, sample_weight=weights)


def _arrays(part):
    """The arrays of a part by their names; values that float32 holds exactly in that."""
    X = part.X
    values = X.data if sparse.issparse(X) else X
    if values.dtype == np.float64:
        with np.errstate(over="ignore"):
            narrow = values.astype(np.float32)
        values = narrow if np.array_equal(narrow, values) else values
    short = np.int32 if part.n_columns < 2**31 else np.int64
    arrays = {"columns": part.columns.astype(short), "classes": part.classes}
    if sparse.issparse(X):
        arrays |= {"indptr": X.indptr, "indices": X.indices}
        if not (values == 1).all():
            arrays["data"] = values
    else:
        arrays["X"] = values
    if part.masses is None:
        arrays["codes"] = part.codes.astype(np.int32)
    else:
        arrays["masses"] = part.masses
    if part.sample_weight is not None:
        arrays["sample_weight"] = part.sample_weight
    return arrays


class Partitions:
    """Rows in a folder that `write_partitions` has written, mapped into memory: fits read them in blocks.

    Parameters
    ----------
    folder : path
    verify : bool
        Whether to compare the checksums of all arrays, which reads them once.

    Attributes
    ----------
    folder : Path
    shape : tuple of int
        Rows of all partitions, and columns.
    dtype : dtype
        Of X: that of the weights of a model.
    n_partitions : int
    classes : ndarray
        The labels that occur; numbers of columns with label masses.
    nbytes : int
        Size of the arrays on disk.
    """

    def __init__(self, folder, verify=True):
        self.folder = Path(folder)
        content = _described(self.folder)
        self.dtype, self.n_partitions = np.dtype(content["dtype"]), content["n_partitions"]
        self.nbytes = content["bytes"]
        self._blocks = content["blocks"]
        self._map = _mapped(self.folder, content)
        if verify:
            self._verify()
        n_columns = content["n_columns"]
        self._parts = [self._part(entry, n_columns) for entry in self._blocks]
        self.survey = Survey.merged([Survey.of(part) for part in self._parts], [p.name for p in self._parts])
        self.survey = replace(self.survey, dtype=self.dtype)
        self.shape, self.classes = (self.survey.n_rows, n_columns), self.survey.classes

    def __repr__(self):
        n, d = self.shape
        return f"<{self.n_partitions} partitions of {n} rows and {d} columns in {str(self.folder)!r}>"

    def _verify(self):
        for entry in self._blocks:
            crc = 0
            for dtype, shape, offset in entry["arrays"].values():
                stop = offset + int(np.dtype(dtype).itemsize * np.prod(shape, dtype=np.int64))
                for first in range(offset, stop, CHUNK):
                    crc = zlib.crc32(memoryview(self._map)[first : min(first + CHUNK, stop)], crc)
            if crc != entry["crc32"]:
                raise ValueError(
                    f"{self.folder / ARRAYS} is damaged: the checksum of partition {entry['partition']} is "
                    "not the one it was written with. Write the partitions again."
                )

    def _part(self, entry, n_columns):
        def array(name):
            if name not in entry["arrays"]:
                return None
            dtype, shape, offset = entry["arrays"][name]
            count = int(np.prod(shape, dtype=np.int64))
            return np.frombuffer(self._map, np.dtype(dtype), count, offset if count else 0).reshape(shape)

        X = array("X")
        if entry["sparse"]:
            data = _ones(len(array("indices"))) if entry["ones"] else array("data")
            X = assembled(sparse.csr_array, data, array("indices"), array("indptr"), tuple(entry["shape"]))
        name = f"partition {entry['partition']}"
        labels = array("codes"), array("classes"), array("masses"), array("sample_weight")
        return Part(X, array("columns"), n_columns, *labels, name)

    def blocks(self):
        """(X, y, sample_weight) of each block: X on all columns, y labels or masses, weights or None."""
        for part in self._parts:
            X = part.X
            if sparse.issparse(X):
                indices = part.columns[X.indices]
                X = assembled(sparse.csr_array, X.data, indices, X.indptr, (X.shape[0], part.n_columns))
            y = part.classes[part.codes] if part.masses is None else part.masses
            yield X.astype(self.dtype, copy=False), y, part.sample_weight

    def backend(self, labelling, workers):
        """A back end of `train_rows` whose arrays of the rows are files beside the folder, without a name."""
        scratch, buffers = Scratch(self.folder), ThreadBuffers()
        blocks = [Block(part, labelling, scratch, buffers) for part in self._parts]
        return BlockBackend(blocks, self.shape[1], labelling.n_outputs, workers)


_shared_ones = np.ones(0, np.float32)


def _ones(length):
    """Ones in float32, the same memory for all who ask."""
    global _shared_ones
    if len(_shared_ones) < length:
        _shared_ones = np.ones(length, np.float32)
    return _shared_ones[:length]


def _described(folder):
    """What the description of a folder says."""
    path = folder / DESCRIPTION
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder}.")
    if not path.exists():
        raise ValueError(
            f"{folder} holds no partitions: it has no file {DESCRIPTION}, which write_partitions writes last."
        )
    try:
        outer = json.loads(path.read_text(encoding="utf-8"))
        text = outer["content"]
        sound = zlib.crc32(text.encode()) == outer["crc32"]
        content = json.loads(text)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is no description of partitions, or damaged.") from error
    if not sound:
        raise ValueError(f"{path} is damaged: its checksum is not the one it was written with.")
    if content["version"] != VERSION:
        raise ValueError(
            f"{path} has version {content['version']} of the format, and this version of skmaxent reads "
            f"version {VERSION}."
        )
    return content


def _mapped(folder, content):
    """The file of arrays as a map."""
    path = folder / ARRAYS
    size = path.stat().st_size if path.exists() else -1
    if size < content["bytes"]:
        found = "is missing" if size < 0 else f"is truncated: it has {size} bytes"
        raise ValueError(f"{path} {found}, and {content['bytes']} were written. Write the partitions again.")
    with open(path, "rb") as file:
        if size > content["bytes"] or file.read(len(MAGIC)) != MAGIC:
            raise ValueError(f"{path} is not the file that was written with {DESCRIPTION}.")
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
