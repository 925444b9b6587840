"""scikit-learn alone, but for the corpus: a sparse model of text by the L1 penalty."""

import warnings

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from skmaxent.datasets import load_sentence_polarity

warnings.simplefilter("ignore")  # `penalty` is on its way out in scikit-learn 1.8
corpus = load_sentence_polarity()
X = TfidfVectorizer(sublinear_tf=True).fit_transform(corpus.data)
X, X_test, y, y_test = train_test_split(X, corpus.target, random_state=0)
for C in (0.3, 1, 3):
    model = LogisticRegression(penalty="l1", C=C, solver="saga", max_iter=1000, random_state=0).fit(X, y)
    print(f"{model.score(X_test, y_test):.2f}")
