"""What a parser sees of its states: numbered parts, joined by templates to the columns of a matrix."""

import numpy as np
from scipy import sparse

# Odd factors that mix the parts of a feature to a code of 64 bits.
FACTORS = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F))
# Number of states that must show a feature.
MIN_COUNT = 2

# A part is a letter and a place. Letters: w word, t tag, v second-best tag, e last letters, r relation to its
# head, x all tags, y the tag before it, n the number of children and k the kinds of their relations (of the
# places with l and r, on that side); d and f distances from the top of the stack to the next word and to the
# word below. Places: 0, 1, 2 from the top of the stack, a, b, c the next words; behind these l and L the
# outermost child to the left and the one before it, r and R to the right.
DECISION = """
    w0 w1 wa wb t0 t1 t2 ta tb tc e0 e1 ea eb w0+t0 w1+t1 wa+ta wb+tb wc+tc w2+t2
    w0+t0+wa+ta w0+t0+wa w0+wa+ta w0+t0+ta t0+wa+ta w0+wa t0+ta w0+ta t0+wa
    w1+t1+w0+t0 w1+t1+w0 w1+w0+t0 w1+w0 w1+t0 t1+w0 t1+t0 w1+t1+t0 t1+w0+t0 t1+ta w1+ta t1+wa w1+wa
    ta+tb+tc ta+tb t0+ta+tb t1+t0+ta t2+t1+t0 t1+t0+ta+tb t2+t1+t0+ta t0+ta+tb+tc
    w1+t0+ta t1+w0+ta t1+t0+wa w0+ta+tb t0+wa+tb t0+ta+wb w1+t0+ta+tb
    t0+t0l+ta t0+t0r+ta t0+ta+tal t1+t0+t0l t1+t0+t0r t1+t1r+t0 t1+t1l+t0 t1+t0+ta+tal t1+t0+ta+t0r
    r0l r0r ral r1r r1l r0L r0R raL w0l w0r wal w1r t0+r0l t0+r0r ta+ral t1+r1r t1+r1l
    t0+r0l+ta t0+r0r+ta t0+ta+ral t1+t0+r0l t1+t0+r0r t1+r1r+t0 t1+r1l+t0 t1+t0+ta+r0r t1+t0+ta+ral
    t0+t0l+t0L t0+t0r+t0R ta+tal+taL t0+r0l+r0L t0+r0r+r0R ta+ral+raL w0+w0l wa+wal w0+w0r w1+w1r
    t0+wal+ta t0+w0l+ta t1+t0+w0l
    w0+d t0+d wa+d ta+d t0+ta+d w0+ta+d t0+wa+d w0+wa+d t1+t0+f w1+t0+f t1+w0+f
    w0+n0r t0+n0r w0+n0l t0+n0l wa+nal ta+nal w1+n1r t1+n1r t0+ta+n0r t0+ta+nal t1+t0+n1r t1+t0+ta+n0r
    w0+k0r t0+k0r w0+k0l t0+k0l wa+kal ta+kal w1+k1r t1+k1r w1+k1l t0+ta+k0r t0+ta+kal t0+ta+k0l t1+t0+k1r
    e0+ea e0+ta t0+ea e1+t0 e0+t1 e1+e0 t0+ta+eb e0+t1+ta e0+ta+tb t0+ea+tb t1+t0+ea e0+t0+ea+ta
    y0+t0+ta y0+t0+t1 ya+t0+ta v0+ta t0+va v0+va v1+v0 t1+v0+va va+tb ta+vb
"""
# Places h and d: head and dependent. s: whether the head comes after its dependent, g: their distance.
RELATION = """
    wh wd+s th+s td+s eh ed+s wh+wd+s th+td+s wh+td+s th+wd+s wd+td wh+th+td+s th+wd+td+s wh+wd+th+td
    th+td+g+s wh+g+s td+g+s eh+td+s ed+th+s eh+ed+s ed+td+eh+th yd+td+th+s zd+td+th+s yd+td+zd yh+th+td+s
    th+td+khl+s th+td+khr+s th+td+kdl+s th+td+kdr+s wh+khl+td+s wh+khr+td+s td+kdl+s td+kdr+s wd+kdl
    th+td+wdl+s td+wdl+s wh+wdl+s th+td+tdl+s th+td+tdr+s th+td+rdl+s ed+wdl+th th+td+thl+s th+td+rhl+s
    th+rhr+td+s vh+td+s th+vd+s vh+vd+s zh+th+td+s
"""


def split(text):
    """Templates: lists of names of parts."""
    return [name.split("+") for name in text.split()]


class Look:
    """The parts of parses by their names.

    Parameters
    ----------
    parses : Parses
    rows : ndarray
        Which of them.
    places : dict of str to ndarray
    distances : dict of str to ndarray
    """

    CHILDREN = {"l": 0, "L": 1, "r": 2, "R": 3}

    def __init__(self, parses, rows, places, distances):
        self.parses, self.rows = parses, rows
        self.places, self.distances = places, distances
        self.of = parses.sentence[rows]

    def part(self, name):
        if name in self.distances:
            return self.distances[name]
        kind, place, child = name[0], self.places[name[1]], name[2:]
        parses, columns, last = self.parses, self.parses.sentences.columns, self.parses.sentences.width - 1
        if kind == "n":
            return np.minimum(parses.children[self.rows, 4 + (child == "r"), place], 4)
        if kind == "k":
            return parses.kinds[self.rows, int(child == "r"), place]
        if child:
            place = parses.children[self.rows, self.CHILDREN[child], place]
        if kind == "r":
            return parses.label[self.rows, place]
        if kind in "yz":
            return columns["t"][self.of, np.clip(place + (1 if kind == "z" else -1), 0, last)]
        return columns[kind][self.of, place]


def bucket(distances):
    """Distances up to 4 as they are, then up to 7, up to 10, more."""
    return np.digitize(distances, (1, 2, 3, 4, 5, 8, 11))


def of_states(parses):
    """`Look` at what a decision depends on."""
    names = {str(k): parses.on_stack(k) for k in range(3)}
    names |= {name: parses.ahead(k) for k, name in enumerate("abc")}
    distances = {"d": bucket(names["a"] - names["0"]), "f": bucket(names["0"] - names["1"])}
    return Look(parses, np.arange(len(parses)), names, distances)


def of_arcs(parses, rows, heads, dependents):
    """`Look` at what the relation of an arc depends on."""
    late = (heads > dependents).astype(np.intp)
    distances = {"s": late, "g": bucket(np.abs(heads - dependents))}
    return Look(parses, rows, {"h": heads, "d": dependents}, distances)


class Columns:
    """The columns of templates: of all combinations of values that some states of the training data show.

    Parameters
    ----------
    text : str
        Templates.
    """

    def __init__(self, text):
        self.templates = split(text)
        self.parts = sorted({part for template in self.templates for part in template})

    def codes(self, look):
        """A code for each template and row, uint64 (templates, rows)."""
        parts = {name: look.part(name).astype(np.uint64) for name in self.parts}
        codes = np.empty((len(self.templates), len(look.rows)), np.uint64)
        for code, template in zip(codes, self.templates):
            code[:] = 0
            for name in template:
                code ^= parts[name]
                code *= FACTORS[0]
                code ^= code >> np.uint64(29)
                code += FACTORS[1]
        return codes

    def fit_transform(self, codes):
        """Learn the columns of codes, and make their matrix."""
        self.known, columns, end = [], np.empty(codes.shape, np.int32), 0
        for code, column in zip(codes, columns):
            values, places, counts = np.unique(code, return_inverse=True, return_counts=True)
            kept = counts >= MIN_COUNT
            column[:] = np.where(kept, end + np.cumsum(kept) - 1, -1)[places]
            self.known.append((values[kept], end))
            end += np.count_nonzero(kept)
        self.n_columns = end
        return self._matrix(columns)

    def transform(self, codes):
        columns = np.empty(codes.shape, np.int32)
        for code, column, (values, start) in zip(codes, columns, self.known):
            places = np.minimum(np.searchsorted(values, code), len(values) - 1)
            column[:] = np.where(values[places] == code, start + places, -1)
        return self._matrix(columns)

    def _matrix(self, columns):
        """A row with ones for each column of `columns`, -1 for none."""
        columns = np.ascontiguousarray(columns.T)
        present = columns >= 0
        indptr = np.concatenate([[0], np.cumsum(present.sum(axis=1))]).astype(np.int32)
        indices = columns[present]
        shape = len(columns), self.n_columns
        return sparse.csr_matrix((np.ones(len(indices), np.float32), indices, indptr), shape=shape)
