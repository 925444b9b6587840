"""scikit-learn's tests of MLPClassifier, with ours in place."""

from their_tests import names_of

globals().update(names_of("sklearn.neural_network.tests.test_mlp"))
