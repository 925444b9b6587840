"""A user's script with a fault in each marked line: type checkers must find all of them, and no other."""

import numpy as np

import skmaxent
from skmaxent import (
    BackpropMLPClassifier,
    ConvergenceDisplay,
    CRFTagger,
    MaxEntClassifier,
    MaxEntClassifierCV,
    MaxEntRanker,
    MaxEntTagger,
    PathDisplay,
    datasets,
    explain,
    maxent_path,
)

X, y = [[0.0], [1.0]], [0, 1]
model = MaxEntClassifier(c=2.0)  # fault
print(model.fit(X, y).coeff_)  # fault
MaxEntClassifier(C="strong")  # fault
MaxEntClassifier(2.0)  # fault
model.fit(X, y, weights=[1, 2])  # fault
model.predict()  # fault
model.predict_probabilities(X)  # fault
print(model.score(X, y).shape)  # fault
print(model.get_parameters())  # fault
MaxEntClassifierCV(C=[0.1, 1.0])  # fault
print(MaxEntClassifierCV().fit(X, y).best_C_)  # fault
BackpropMLPClassifier(hidden_layer_size=(3,))  # fault
print(BackpropMLPClassifier().fit(X, y).coef_)  # fault
BackpropMLPClassifier().partial_fit(X, y, class_names=[0, 1])  # fault
MaxEntRanker().fit(X, y, group=[0, 0])  # fault
MaxEntTagger().fit([[{}]], tag=[["D"]])  # fault
print(CRFTagger().fit([[{}]], [["D"]]).transition)  # fault
maxent_path(X, y, C=2)  # fault
print(maxent_path(X, y).coef)  # fault
explain(model, X[0], n=3)  # fault
print(explain(model, X[0]).vote)  # fault
ConvergenceDisplay(model.convergence_["history"], name="model")  # fault
print(PathDisplay.from_estimator(model).figure)  # fault
datasets.load_docstring()  # fault
datasets.load_docstrings(minimum=3)  # fault
print(datasets.load_docstrings().labels)  # fault
skmaxent.explains(model, np.zeros(1))  # fault
skmaxent.MaxEntMarkovModel()  # fault
