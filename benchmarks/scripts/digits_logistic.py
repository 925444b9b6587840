"""scikit-learn alone: cross-validated paths of dense data of ten classes."""

from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegressionCV
from sklearn.model_selection import train_test_split

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X / 16, y, random_state=0)
model = LogisticRegressionCV(Cs=5, cv=3, max_iter=5000).fit(X, y)
print(f"{model.score(X_test, y_test):.3f}")
