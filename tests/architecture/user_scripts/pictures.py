"""A user's script without a fault that draws pictures."""

import numpy as np

from skmaxent import (
    BackpropMLPClassifier,
    CoefficientsDisplay,
    ConvergenceDisplay,
    LossCurveDisplay,
    MaxEntClassifier,
    MaxEntClassifierCV,
    PathDisplay,
    VotesDisplay,
)

rng = np.random.default_rng(0)
X, y = rng.standard_normal((60, 4)), np.arange(60) % 3
model = MaxEntClassifier().fit(X, y)
print(ConvergenceDisplay.from_estimator(model).ax_, ConvergenceDisplay(model.convergence_["history"]).history)
print(CoefficientsDisplay.from_estimator(model, n=2).figure_)
print(VotesDisplay.from_estimator(model, X[0], class_=0).plot().ax_)
search = MaxEntClassifierCV(Cs=[0.1, 1.0], cv=2, store_paths=True).fit(X, y)
print(PathDisplay.from_estimator(search, n=2).plot(n=2).axes_.shape)
network = BackpropMLPClassifier((3,), batch_size=60, tol=1e9, n_iter_no_change=1).fit(X, y)
print(LossCurveDisplay.from_estimator(network).ax_, LossCurveDisplay(np.ones(3), estimator_name="ones").loss)
