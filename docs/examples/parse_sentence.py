"""
Parsing a sentence by decisions
===============================

A shift-reduce parser reads a sentence word by word. "shift" puts the next word on a stack; "left" makes the
second word of the stack depend on the topmost, "right" the topmost on the second, and the dependent leaves
the stack. Which decision is next is a question to a maximum-entropy model of the state; after two decisions
a word the sentence is a tree. The model learns from the decisions that lead to the trees of a treebank.
"""

from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import make_pipeline

from skmaxent import MaxEntClassifier, explain
from skmaxent.datasets import load_ud_ewt


def features(state):
    """Words and tags of the two topmost words of the stack and the next two, alone and joined."""
    words, tags, stack, following, children = state
    (s1, s0), b0, b1 = ([0, 0] + stack)[-2:], following, min(following + 1, len(words) - 1)
    parts = {
        "w0": words[s0],
        "w1": words[s1],
        "v0": words[b0],
        "t0": tags[s0],
        "t1": tags[s1],
        "t2": tags[b0],
    }
    parts |= {"t3": tags[b1], "n0": str(children[s0]), "n1": str(children[s1]), "gap": str(min(s0 - s1, 4))}
    joined = "w0 w1 v0 t0 t1 t2 w0+t0 w1+t1 w1+w0 t1+t0 w1+t0 t1+w0 t0+t2 t1+t0+t2 t0+t2+t3 t1+t0+t2+t3 t0+n0"
    joined += " t1+n1 w1+t0+t2 t1+w0+t2 t1+t0+gap t1+t0+n0+n1 t1+t0+n0+t2"
    return [f"{name}={' '.join(parts[part] for part in name.split('+'))}" for name in joined.split()]


def start(words, tags):
    """A state: words and tags with the root before and an end after them, stack, next word, children."""
    words, tags = ["<root>", *[word.lower() for word in words], "<end>"], ["<root>", *tags, "<end>"]
    return words, tags, [0], 1, [0] * len(words)


def possible(state):
    """The decisions that a state allows; the root takes its only word last."""
    words, _, stack, following, _ = state
    more = following < len(words) - 1
    found = ["shift"] if more else []
    if len(stack) > 2:
        found += ["left", "right"]
    return found + ["right"] * (len(stack) == 2 and not more)


def follow(state, decision, heads):
    """The next state; a new arc goes into `heads`, a dict from dependents to heads."""
    words, tags, stack, following, children = state
    if decision == "shift":
        return words, tags, [*stack, following], following + 1, children
    *rest, second, top = stack
    head, dependent = (top, second) if decision == "left" else (second, top)
    heads[dependent] = head
    children = [n + (i == head) for i, n in enumerate(children)]
    return words, tags, [*rest, head], following, children


def teacher(state, tree):
    """The decision that leads to the true tree, a dict from words to heads."""
    words, _, stack, following, _ = state
    if len(stack) > 1:
        second, top = stack[-2:]
        if tree.get(second) == top:
            return "left"
        if tree[top] == second and all(tree[i] != top for i in range(following, len(words) - 1)):
            return "right"
    return "shift"


def parse(model, words, tags):
    """Heads of the words of a sentence, numbered from 1; 0 is the root. Also the state at each decision."""
    state, heads, steps = start(words, tags), {}, []
    while choices := possible(state):
        scores = dict(zip(model.classes_, model.decision_function([state])[0]))
        decision = max(choices, key=scores.get)
        steps.append((state, decision))
        state = follow(state, decision, heads)
    return [heads[i] for i in range(1, len(words) + 1)], steps


corpus = load_ud_ewt("train")
states, decisions = [], []
for words, tags, heads in list(zip(corpus.data, corpus.upos, corpus.heads))[:2500]:
    state, tree = start(words, tags), dict(enumerate(heads, 1))
    while choices := possible(state):
        decision = teacher(state, tree)
        if decision not in choices:  # arcs that cross have no such decisions
            break
        states.append(state)
        decisions.append(decision)
        state = follow(state, decision, {})

model = make_pipeline(
    CountVectorizer(analyzer=features, binary=True, min_df=2), MaxEntClassifier(C=0.3, tol=1e-2)
)
model.fit(states, decisions)
print(f"{len(decisions):,} decisions, {model[-1].coef_.shape[1]:,} features\n")

words = "She gave the old man a book about birds .".split()  # noqa: SIM905
tags = "PRON VERB DET ADJ NOUN DET NOUN ADP NOUN PUNCT".split()  # noqa: SIM905
heads, steps = parse(model, words, tags)
for i, (word, head) in enumerate(zip(words, heads), 1):
    print(f"{i:3} {word:10} <- {'root' if head == 0 else words[head - 1]}")
state, decision = steps[4]
print(f"\nStack: {[state[0][i] for i in state[2]]}, next: {state[0][state[3]]!r}. Why {decision!r}?\n")
print(explain(model, [state], top=6))

dev = load_ud_ewt("dev")
pairs = []
for words, tags, heads in list(zip(dev.data, dev.upos, dev.heads))[:100]:
    pairs += zip(heads, parse(model, words, tags)[0])
print(f"\n{sum(a == b for a, b in pairs) / len(pairs):.1%} of {len(pairs):,} words have the right head")
