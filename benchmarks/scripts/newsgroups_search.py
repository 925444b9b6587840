"""scikit-learn alone, but for the corpus: a grid search over a text pipeline, two processes."""

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from skmaxent.datasets import load_newsgroups

train, test = load_newsgroups("train"), load_newsgroups("test")
pipeline = Pipeline([("words", TfidfVectorizer(sublinear_tf=True)), ("model", LogisticRegression())])
search = GridSearchCV(pipeline, {"model__C": [1, 10]}, cv=3, n_jobs=2).fit(train.data, train.target)
print(f"{search.best_params_} {search.score(test.data, test.target):.3f}")
