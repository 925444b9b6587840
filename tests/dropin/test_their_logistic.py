"""scikit-learn's tests of LogisticRegression and LogisticRegressionCV, with ours in place."""

from their_tests import names_of

globals().update(names_of("sklearn.linear_model.tests.test_logistic"))
