"""scikit-learn alone: a small network on small images, three strengths of its penalty."""

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X / 16, y, random_state=0)
for alpha in (1e-4, 1e-2, 1.0):
    network = MLPClassifier((100,), alpha=alpha, max_iter=300, tol=1e-3, random_state=0).fit(X, y)
    print(f"{network.score(X_test, y_test):.3f}")
