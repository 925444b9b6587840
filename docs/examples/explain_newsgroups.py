"""Why does a text classifier fail? The mistakes on 20 Newsgroups, taken apart into votes.

Run ``python docs/examples/explain_newsgroups.py``. It trains on the earlier messages, takes the
mistakes on the later ones apart, prints what misleads the model most often, and writes a page with
the surest mistakes (explain_newsgroups.html) and pictures (PNG) into the folder of ``--output``.
"""

import argparse
from collections import defaultdict
from html import escape
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from sklearn.pipeline import make_pipeline

from skmaxent import CoefficientsDisplay, MaxEntClassifier, VotesDisplay, explain, top_features
from skmaxent.datasets import load_newsgroups


def surest_mistakes(scores, labels, target):
    """Numbers of the wrong predictions, those first that beat the true class by the most."""
    rows = np.arange(len(target))
    true = np.searchsorted(labels, target)
    lead = scores.max(axis=1) - scores[rows, true]
    return [i for i in np.argsort(-lead) if lead[i] > 0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("."), help="folder for the page and the pictures")
    parser.add_argument("--explained", type=int, default=300, help="number of mistakes to take apart")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)

    train, test = load_newsgroups("train"), load_newsgroups("test")
    names = np.array(train.target_names)
    truth = names[test.target]
    model = make_pipeline(TfidfVectorizer(min_df=2, sublinear_tf=True), MaxEntClassifier(C=20, tol=1e-3))
    model.fit(train.data, names[train.target])
    scores = model.decision_function(test.data)
    mistakes = surest_mistakes(scores, model.classes_, truth)
    predicted = model.classes_[scores.argmax(axis=1)]
    print(
        f"{len(mistakes):,} mistakes in {len(truth):,} messages, accuracy {np.mean(predicted == truth):.1%}\n"
    )

    # What speaks for the wrong class and against the true one, in all mistakes together?
    misleading, times = defaultdict(float), defaultdict(int)
    for i in mistakes[: arguments.explained]:
        contrast = explain(model, test.data[i], contrast=(predicted[i], truth[i]))
        for word, vote in zip(contrast.features, contrast.votes[:, 0]):
            misleading[word] += vote
            times[word] += 1
    print(f"Words that mislead most, in the {min(arguments.explained, len(mistakes))} surest mistakes:")
    for word in sorted(misleading, key=misleading.get, reverse=True)[:15]:
        print(f"  {word:20} {misleading[word]:+7.2f} in {times[word]} messages")

    print("\nOne of them, the wrong class against the true one:\n")
    first = mistakes[0]
    print(explain(model, test.data[first], contrast=(predicted[first], truth[first])))
    print("\nWhat the model has learned of two groups that it confuses:\n")
    print(top_features(model, n=8, class_=predicted[first]))
    print()
    print(top_features(model, n=8, class_=truth[first]))

    page = ["<!doctype html><meta charset='utf-8'><title>Mistakes on 20 Newsgroups</title>"]
    for i in mistakes[:5]:
        contrast = explain(model, test.data[i], contrast=(predicted[i], truth[i]))
        title = f"{test.ids[i]}: {predicted[i]} instead of {truth[i]}"
        page.append(f"<h3>{escape(title)}</h3>{contrast._repr_html_()}")
    (arguments.output / "explain_newsgroups.html").write_text("\n".join(page), encoding="utf-8")

    votes = VotesDisplay.from_estimator(model, test.data[first], contrast=(predicted[first], truth[first]))
    votes.figure_.savefig(arguments.output / "explain_newsgroups_votes.png", dpi=100)
    groups = [predicted[first], truth[first]]
    weights = CoefficientsDisplay.from_estimator(model, n=10, classes=groups)
    weights.figure_.savefig(arguments.output / "explain_newsgroups_weights.png", dpi=100)


if __name__ == "__main__":
    main()
