"""Dependency parsing by decisions: which word depends on which, one arc after another (arc-standard).

A state has a stack of words and the words to come. A decision shifts the next word onto the stack ("S") or
makes one of the two topmost words of the stack depend on the other: the second on the topmost ("L"), the
topmost on the second ("R"); a second model names the relation. 0 is the root.
"""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.feature_extraction.text import CountVectorizer

from skmaxent import MaxEntClassifier
from skmaxent.datasets import load_ud_ewt

from .pos import features as pos_features
from .protocol import Task
from .sequences import maxent_tagger


class State:
    """A sentence that is being parsed.

    Parameters
    ----------
    words, tags : lists of str
    """

    def __init__(self, words, tags):
        self.words = ["<root>", *[word.lower() for word in words], "<end>"]
        self.tags = ["<root>", *tags, "<end>"]
        self.stack, self.next, self.last = [0], 1, len(words)
        self.heads, self.labels = [0] * (len(words) + 2), [""] * (len(words) + 2)
        self.children = [[] for _ in self.heads]

    @property
    def finished(self):
        return self.next > self.last and len(self.stack) == 1

    def allowed(self):
        """The decisions that are possible; the root gets its word when all others are done."""
        two, more = len(self.stack) > 1, self.next <= self.last
        last = two and self.stack[-2] == 0
        return "S" * more + "L" * (two and not last) + "R" * (two and not (last and more))

    def arc(self, decision):
        """Head and dependent of an arc."""
        return (self.stack[-1], self.stack[-2]) if decision == "L" else (self.stack[-2], self.stack[-1])

    def after(self, decision, label=""):
        """A copy with a decision followed."""
        other = object.__new__(State)
        vars(other).update(vars(self))
        other.stack, other.heads, other.labels = [*self.stack], [*self.heads], [*self.labels]
        other.children = [*self.children]
        other.apply(decision, label)
        return other

    def apply(self, decision, label=""):
        if decision == "S":
            self.stack.append(self.next)
            self.next += 1
            return
        head, dependent = self.arc(decision)
        self.heads[dependent], self.labels[dependent] = head, label
        self.children[head] = [*self.children[head], dependent]
        self.stack.remove(dependent)


def oracle(state, heads):
    """The decision that leads to the tree `heads` (heads[0] is not used); None where there is none."""
    if len(state.stack) > 1:
        top, second = state.stack[-1], state.stack[-2]
        if second and heads[second] == top:
            return "L"
        waiting = any(heads[word] == top for word in range(state.next, state.last + 1))
        if heads[top] == second and not waiting:
            return "R"
    return "S" if state.next <= state.last else None


def joined(templates, parts):
    """One feature a template: the values of the parts that it names."""
    return [f"{name}={' '.join([parts[part] for part in template])}" for name, template in templates]


def templates(text):
    return [(name, name.split("+")) for name in text.split()]


# w word, t tag: 0, 1, 2 from the top of the stack, a, b, c the next ones. l and r: relation of the outermost
# child to the left and to the right, m and s its tag, n the number of children; e last letters, p tag before.
DECISION = templates(
    """w0 w1 w2 wa wb t0 t1 t2 ta tb w0+t0 w1+t1 wa+ta t2+t1 w1+w0 t1+t0 w1+t0 t1+w0 t0+ta w1+t1+w0+t0
    w1+t1+t0 t1+w0+t0 w0+wa w0+ta t0+wa w1+ta t1+ta t1+t0+ta t2+t1+t0 t0+ta+tb w1+t0+ta t1+w0+ta t1+t0+wa
    t1+t0+ta+tb t2+t1+t0+ta ta+tb+tc gap t1+t0+gap w1+t0+gap t1+w0+gap t0+n0 t1+n1 l0 r0 l1 r1 m0+l0+t1+t0
    s0+r0+t1+t0 m1+l1+t1+t0 s1+r1+t1+t0 l0+t1+t0+ta r0+t1+t0+ta l1+t1+t0+ta r1+t1+t0+ta
    e0 e1 ea e0+e1 e0+t1+ta e1+t0+ta t1+t0+ea p0+t0+t1"""
)


def features(state):
    """Words, tags and children of the topmost words of the stack and the next words, alone and joined."""
    words, tags, stack, end = state.words, state.tags, state.stack, state.last + 1
    s0, s1, s2 = (stack[-k] if len(stack) >= k else end for k in (1, 2, 3))
    places = {"0": s0, "1": s1, "2": s2} | {"abc"[k]: min(state.next + k, end) for k in range(3)}
    parts = {f"w{name}": words[i] for name, i in places.items()}
    parts |= {f"t{name}": tags[i] for name, i in places.items()}
    parts |= {f"e{name}": words[places[name]][-3:] for name in "01a"}
    parts["p0"] = tags[s0 - 1] if 0 < s0 < end else "-"
    parts["gap"] = str(min(s0 - s1, 5)) if s1 < s0 else "-"
    for name, word in (("0", s0), ("1", s1)):
        children = state.children[word] if word < end else []
        left = min((c for c in children if c < word), default=end)
        right = max((c for c in children if c > word), default=end)
        parts |= {f"l{name}": state.labels[left], f"r{name}": state.labels[right]}
        parts |= {f"m{name}": tags[left], f"s{name}": tags[right], f"n{name}": str(len(children))}
    between = {tags[i] for i in range(s1 + 1, s0)} if len(stack) > 1 else ()
    return joined(DECISION, parts) + [f"between={parts['t1']} {tag} {parts['t0']}" for tag in sorted(between)]


# h the head, d the dependent, with words w, tags t, last letters e; before, after: tags beside the dependent.
RELATION = templates(
    """wh wd th+way td+way wh+wd th+td+way wh+td+way th+wd+way wd+td th+td+gap+way eh+td ed+th beside+td+th
    before+td+th after+td+th root kinds+th+td+way"""
)


def label_features(arc):
    """What names the relation of an arc: both words, their tags and endings, and their children."""
    state, way = arc
    h, d = state.arc(way)
    words, tags, labels = state.words, state.tags, state.labels
    parts = {
        "wh": words[h],
        "wd": words[d],
        "th": tags[h],
        "td": tags[d],
        "eh": words[h][-3:],
        "ed": words[d][-3:],
    }
    parts |= {
        "way": way,
        "gap": str(min(abs(h - d), 4)),
        "root": str(h == 0),
        "beside": tags[h - 1] if h else "-",
    }
    parts |= {"before": tags[d - 1], "after": tags[min(d + 1, state.last + 1)]}
    kinds = sorted({labels[c] for c in state.children[h]})
    marks = sorted({words[c] for c in state.children[d] if labels[c] in ("case", "mark")}) or ["-"]
    parts["kinds"] = str(len(kinds))
    found = joined(RELATION, parts) + [f"has={kind} {tags[d]} {way}" for kind in kinds]
    return found + [f"mark={mark} {tags[h]} {tags[d]}" for mark in marks]


def true_steps(X, tags, y):
    """Each state on the way to the true trees, its decision and the name of its arc."""
    for words, seen, (_, heads, labels) in zip(X, tags, y):
        state, heads, labels = State(words, seen), [0, *heads], ["", *labels]
        while not state.finished:
            decision = oracle(state, heads)
            if decision is None:  # arcs that cross: what was decided so far is kept
                break
            label = "" if decision == "S" else labels[state.arc(decision)[1]]
            yield state, decision, label
            state.apply(decision, label)


def decision_examples(X, tags, y, answers):
    """Features of all decisions, one after another; the decisions are appended to `answers`."""
    for state, decision, _ in true_steps(X, tags, y):
        answers.append(decision)
        yield features(state)


def arc_examples(X, tags, y, answers):
    """The same for the relations of all arcs."""
    for state, decision, label in true_steps(X, tags, y):
        if decision != "S":
            answers.append(label)
            yield label_features((state, decision))


def identity(found):
    return found


def columns():
    """Columns of the features that occur at least twice."""
    return CountVectorizer(analyzer=identity, binary=True, min_df=2, dtype=np.float32)


class Parser(BaseEstimator):
    """Tags words, then parses them decision by decision, all sentences at once.

    Parameters
    ----------
    C : float
        Of the model of the decisions and that of the relations.
    width : int
        Number of unfinished parses of a sentence that are kept; 1 is greedy.
    """

    def __init__(self, C=1.0, width=4):
        self.C, self.width = C, width

    def fit(self, X, y):
        """X: lists of words; y: (tags, heads, labels) of each sentence."""
        tags = [tags for tags, _, _ in y]
        halves = [slice(0, None, 2), slice(1, None, 2)]
        taggers = [maxent_tagger(pos_features).fit(X[half], tags[half]) for half in halves]
        seen = [None] * len(X)  # the tags of a tagger that has not seen the sentence, as they will be
        for half, tagger in zip(halves, reversed(taggers)):
            seen[half] = tagger.predict(X[half])
        self.tagger_ = maxent_tagger(pos_features).fit(X, tags)
        self.decide_, self.name_ = columns(), columns()
        decisions, relations = [], []  # the answers, put down while the features are read
        D = self.decide_.fit_transform(decision_examples(X, seen, y, decisions))
        R = self.name_.fit_transform(arc_examples(X, seen, y, relations))
        self.decision_model_ = MaxEntClassifier(C=self.C, tol=1e-2).fit(D, decisions)
        self.relation_model_ = MaxEntClassifier(C=self.C, features="observed", tol=1e-2).fit(R, relations)
        return self

    def predict(self, X):
        beams = [[(0.0, State(words, tags))] for words, tags in zip(X, self.tagger_.predict(X))]
        while live := [i for i, beam in enumerate(beams) if not beam[0][1].finished]:
            best = self._best([beams[i] for i in live])
            arcs = [(state, decision) for beam in best for _, state, decision in beam if decision != "S"]
            R = self.name_.transform(map(label_features, arcs)) if arcs else None
            labels = iter(self.relation_model_.predict(R).tolist() if arcs else ())
            for i, beam in zip(live, best):
                beams[i] = [
                    (score, state.after(decision, next(labels) if decision != "S" else ""))
                    for score, state, decision in beam
                ]
        states = [beam[0][1] for beam in beams]
        return [(state.tags[1:-1], state.heads[1:-1], state.labels[1:-1]) for state in states]

    def _best(self, beams):
        """The most probable decisions of each beam: lists of (sum of log p, state, decision)."""
        states = [state for beam in beams for _, state in beam]
        logs = self.decision_model_.predict_log_proba(self.decide_.transform(map(features, states)))
        rows, classes, best = iter(logs.tolist()), self.decision_model_.classes_.tolist(), []
        for beam in beams:
            found = []
            for score, state in beam:
                row = dict(zip(classes, next(rows)))
                found += [(score + row[decision], state, decision) for decision in state.allowed()]
            best.append(sorted(found, key=lambda item: -item[0])[: self.width])
        return best


class LastWord(BaseEstimator):
    """Every word depends on the one before it."""

    def fit(self, X, y):
        return self

    def predict(self, X):
        return [(None, list(range(len(words))), ["punct"] * len(words)) for words in X]


def attachments(truth, predicted, X):
    """UAS and LAS: the share of words, punctuation included, with the right head; and relation too."""
    rows = [
        (head == h, head == h and label == l)
        for (_, heads, labels), (_, hs, ls) in zip(truth, predicted)
        for head, label, h, l in zip(heads, labels, hs, ls)
    ]
    return dict(zip(("UAS", "LAS"), np.mean(rows, axis=0)))


def load(test="test"):
    parts = []
    for corpus in (load_ud_ewt("train"), load_ud_ewt(test)):
        relations = [[label.partition(":")[0] for label in labels] for labels in corpus.deprels]
        parts += [corpus.data, list(zip(corpus.upos, corpus.heads, relations))]
    return parts


TASK = Task(
    name="parsing",
    title="dependency parsing, UD English EWT",
    protocol="arc-standard decisions, beam of 4, on tags of our own tagger (UPOS; each half of the training "
    "set tagged by a tagger of the other); 12,544 sentences to train, 2,077 to test; attachment by word, "
    "punctuation included, relations without subtypes",
    choices="templates, C in {0.3, 1} and the beam (1, 4, 8) on 700 sentences of the development set, by "
    "models of 2,000 training sentences",
    published="none on this release; 87.8 UAS, unlabelled and on given tags, in an earlier prototype",
    goal=86.0,
    tried="on the development set: fine tags (XPOS) instead of UPOS, 1.0 worse; beams of 4 and 8, 0.4 "
    "better; endings of words, 0.3 better; C = 1 instead of 0.3, 0.7 better",
    load=load,
    score=attachments,
    models={"majority": LastWord, "MaxEnt": Parser},
)
