"""One reading of sentences: the models of decisions and relations, their training and beam search."""

import numpy as np

from skmaxent import MaxEntClassifier

from .parsing_features import DECISION, RELATION, Columns, of_arcs, of_states
from .transitions import LEFT, RIGHT, SHIFT, Parses, Sentences, batches

# Numbers of what stands where no word does, and of unknown words.
NONE, ROOT, END, UNKNOWN = range(4)

# Precision of the models, relative; of those that only show the way to other states.
TOL, ROUGH = 5e-2, 0.3


class Numbers:
    """Numbers of words, endings, tags and relations."""

    def __init__(self, X, tags, relations):
        counts = {}
        for words in X:
            for word in words:
                counts[word.lower()] = counts.get(word.lower(), 0) + 1
        known = [word for word, count in counts.items() if count > 1]
        self.words = {word: i for i, word in enumerate(known, UNKNOWN + 1)}
        self.endings = {}
        for word in counts:
            self.endings.setdefault(word[-3:], len(self.endings) + UNKNOWN + 1)
        names = sorted({tag for pair in tags for part in pair for tag in part})
        self.tags = {tag: i for i, tag in enumerate(names, UNKNOWN + 1)}
        self.relations = ["", *sorted({name for names in relations for name in names})]

    def sentences(self, X, tags, y=None):
        """`Sentences` of lists of words with their tags, and with the true trees (heads, relations)."""
        lengths = np.array([len(words) for words in X])
        shape = len(X), int(lengths.max()) + 3
        columns = {name: np.full(shape, END, np.int32) for name in "wetv"}
        for column in columns.values():
            column[:, 0], column[:, -1] = ROOT, NONE
        true = [np.zeros(shape, np.int16), np.zeros(shape, np.int16)] if y is not None else [None, None]
        code = {name: i for i, name in enumerate(self.relations)}
        for row, (words, (best, second)) in enumerate(zip(X, tags)):
            lower, here = [word.lower() for word in words], slice(1, len(words) + 1)
            columns["w"][row, here] = [self.words.get(word, UNKNOWN) for word in lower]
            columns["e"][row, here] = [self.endings.get(word[-3:], UNKNOWN) for word in lower]
            columns["t"][row, here] = [self.tags[tag] for tag in best]
            columns["v"][row, here] = [self.tags.get(tag, UNKNOWN) for tag in second]
            if y is not None:
                true[0][row, here] = y[row][0]
                true[1][row, here] = [code[name] for name in y[row][1]]
        return Sentences(columns, lengths, *true)


class Examples:
    """Codes of states and arcs with the right answers, as they are met."""

    def __init__(self, *others):
        self.codes = [code for other in others for code in other.codes]
        self.answers = [answer for other in others for answer in other.answers]

    def add(self, codes, answers):
        self.codes.append(codes)
        self.answers.append(answers)


class Model:
    """A classifier of codes.

    Parameters
    ----------
    columns : Columns
        Learnt in `fit`.
    classifier : MaxEntClassifier
    """

    def __init__(self, columns, classifier):
        self.columns, self.classifier = columns, classifier

    def fit(self, examples):
        design = self.columns.fit_transform(np.concatenate(examples.codes, axis=1))
        self.classifier.fit(design, np.concatenate(examples.answers))
        return self

    def log_proba(self, look):
        return self.classifier.predict_log_proba(self.columns.transform(self.columns.codes(look)))

    def best(self, look):
        return self.classifier.predict(self.columns.transform(self.columns.codes(look)))


class Reader:
    """The models of one direction of reading.

    Parameters
    ----------
    C, C_relation : float
        Of the model of the decisions and of that of the relations.
    explore : bool
        Whether to learn from states beside the way to the true trees too.
    """

    def __init__(self, C, C_relation, explore):
        self.C, self.C_relation, self.explore = C, C_relation, explore

    def fit(self, X, tags, y):
        """X: lists of words; tags: (best, second-best) tags; y: (heads, relations)."""
        self.numbers = Numbers(X, tags, [relations for _, relations in y])
        halves = [slice(0, None, 2), slice(1, None, 2)]
        parts = [self._batches(X[half], tags[half], y[half]) for half in halves]
        met = [self._walk(part) for part in parts]
        if self.explore:  # each half by models of the other half
            guides = [self._models(decisions, relations, ROUGH) for decisions, relations in met]
            met += [self._walk(part, *guide) for part, guide in zip(parts, reversed(guides))]
        decisions, relations = (Examples(*kind) for kind in zip(*met))
        self.decide, self.name = self._models(decisions, relations, TOL)
        return self

    def _models(self, decisions, relations, tol):
        decide = MaxEntClassifier(C=self.C, solver="lbfgs", tol=tol)
        name = MaxEntClassifier(C=self.C_relation, features="observed", tol=tol)
        return (
            Model(Columns(DECISION), decide).fit(decisions),
            Model(Columns(RELATION), name).fit(relations),
        )

    def _batches(self, *parts):
        """`Sentences` of equal lengths together; parts as in `fit`."""
        rows_of = batches(np.array([len(words) for words in parts[0]]))
        return [self.numbers.sentences(*([part[i] for i in rows] for part in parts)) for rows in rows_of]

    @staticmethod
    def _walk(parts, decide=None, name=None):
        """Examples of the states on the true way, or on that of models, with what loses least there."""
        decisions, relations, look_at = Examples(), Examples(), (Columns(DECISION), Columns(RELATION))
        for sentences in parts:
            parses = Parses(sentences, np.arange(len(sentences.lengths)))
            while len(live := np.flatnonzero(parses.live)):
                parses = parses.take(live)
                look, right = of_states(parses), parses.best()
                if decide is None:
                    answers = taken = canonical(right)
                else:
                    logs = decide.log_proba(look)
                    answers = np.where(right, logs, -np.inf).argmax(axis=1)
                    taken = np.where(parses.allowed(), logs, -np.inf).argmax(axis=1)
                decisions.add(look_at[0].codes(look), answers)
                rows, heads, dependents = parses.arcs(taken)
                of, look = parses.sentence[rows], of_arcs(parses, rows, heads, dependents)
                labels, true = sentences.labels[of, dependents], sentences.heads[of, dependents] == heads
                relations.add(look_at[1].codes(look)[:, true], labels[true])
                if name is not None and len(rows):
                    labels = name.best(look)
                parses.follow(taken, labels)
        return decisions, relations

    def log_proba(self, X, tags, y):
        """Of the decisions that lead to trees, those with arcs as soon as they can be."""
        total, rows_of = np.zeros(len(X)), batches(np.array([len(words) for words in X]))
        for rows, sentences in zip(rows_of, self._batches(X, tags, y)):
            parses = Parses(sentences, np.arange(len(rows)))
            while len(live := np.flatnonzero(parses.live)):
                parses = parses.take(live)
                decisions = canonical(parses.best())
                logs = self.decide.log_proba(of_states(parses))
                total[rows[parses.sentence]] += logs[np.arange(len(logs)), decisions]
                of, _, dependents = parses.arcs(decisions)
                parses.follow(decisions, sentences.labels[parses.sentence[of], dependents])
        return total

    def trees(self, X, tags, width):
        """The best trees (heads, relations) of each sentence that a beam of `width` finds."""
        found, rows_of = [[] for _ in X], batches(np.array([len(words) for words in X]))
        for rows, sentences in zip(rows_of, self._batches(X, tags)):
            for parses in self._parsed(sentences, width):
                for i, row in enumerate(parses.sentence.tolist()):
                    here = slice(1, sentences.lengths[row] + 1)
                    names = [self.numbers.relations[label] for label in parses.label[i, here].tolist()]
                    found[rows[row]].append((parses.head[i, here].tolist(), names))
        return found

    def _parsed(self, sentences, width):
        """Finished parses by beam search, the best of a sentence first."""
        parses = Parses(sentences, np.arange(len(sentences.lengths)))
        scores = np.zeros(len(parses))
        while True:
            live = parses.live
            if not live.all():
                yield parses.take(~live)
                parses, scores = parses.take(live), scores[live]
            if not len(parses):
                return
            logs = self.decide.log_proba(of_states(parses))
            totals = np.where(parses.allowed(), scores[:, None] + logs, -np.inf).ravel()
            order = np.lexsort((-totals, np.repeat(parses.sentence, 3)))
            order = order[np.isfinite(totals[order])]
            owners = parses.sentence[order // 3]
            order = order[np.arange(len(order)) - np.searchsorted(owners, owners) < width]
            parses, scores, decisions = parses.take(order // 3), totals[order], order % 3
            rows, heads, dependents = parses.arcs(decisions)
            look, labels = of_arcs(parses, rows, heads, dependents), np.zeros(0, np.int16)
            parses.follow(decisions, self.name.best(look) if len(rows) else labels)


def canonical(right):
    """One decision of those that are right, (H, 3): an arc where there is one."""
    return np.where(right[:, LEFT], LEFT, np.where(right[:, RIGHT], RIGHT, SHIFT))
