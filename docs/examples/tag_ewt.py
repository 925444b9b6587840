"""
Parts of speech with a recurrent network
========================================

UD English EWT, 17 universal parts of speech, one bidirectional LSTM layer. Settings were chosen on the
development part, whose score is printed after each epoch; the test part is looked at once, at the end. From a
command line ``--units 200 --epochs 8`` trains a larger network for longer.
"""

import argparse
from time import perf_counter

from skmaxent import RecurrentTagger
from skmaxent.datasets import load_ud_ewt


def main():
    parser = argparse.ArgumentParser(description="Tag UD English EWT with a recurrent network.")
    parser.add_argument("--units", type=int, default=100)
    parser.add_argument("--cell", default="lstm")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    train, dev, test = (load_ud_ewt(part) for part in ("train", "dev", "test"))

    tagger = RecurrentTagger(
        args.units, args.cell, max_iter=args.epochs, n_iter_no_change=args.epochs, random_state=args.seed,
        verbose=1,
    )  # fmt: skip
    started = perf_counter()
    tagger.fit(train.data, train.upos, X_val=dev.data, y_val=dev.upos)
    print(f"fitted in {perf_counter() - started:.0f} s, dev {tagger.validation_scores_[-1]:.4f}")

    print(f"test {tagger.score(test.data, test.upos):.4f}")
    seen = {word for sentence in train.data for word in sentence}
    pairs = [
        (word, tag, guess)
        for words, tags, guesses in zip(test.data, test.upos, tagger.predict(test.data))
        for word, tag, guess in zip(words, tags, guesses)
    ]
    unknown = [tag == guess for word, tag, guess in pairs if word not in seen]
    print(f"of {len(unknown)} words that training has not seen {sum(unknown) / len(unknown):.4f}")
    sentence = ["Will", "Will", "will", "the", "will", "to", "Will", "?"]
    print(*(f"{word}/{tag}" for word, tag in zip(sentence, tagger.predict([sentence])[0])))


if __name__ == "__main__":
    main()
