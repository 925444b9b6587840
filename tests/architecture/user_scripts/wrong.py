"""A user's script with a fault in each marked line: type checkers must find all of them, and no other."""

import numpy as np

import skmaxent
from skmaxent import (
    BackpropMLPClassifier,
    ConvergenceDisplay,
    CRFTagger,
    LogCountRatioScaler,
    MaxEntClassifier,
    MaxEntClassifierCV,
    MaxEntRanker,
    MaxEntTagger,
    PathDisplay,
    RecurrentClassifier,
    RecurrentTagger,
    TokenFeatures,
    TransitionsDisplay,
    datasets,
    explain,
    maxent_path,
    sequences,
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
words, tags = [["we", "met"]], [["B-X", "O"]]
CRFTagger(c1=0.1)  # fault
CRFTagger().fit(words, tags, weights=[1])  # fault
print(CRFTagger().fit(words, tags).state_features)  # fault
print(CRFTagger().fit(words, tags).predict_single(words[0]).shape)  # fault
CRFTagger(edge_features=1)  # fault
MaxEntTagger(templates=["tag[-1]"])  # fault
print(MaxEntTagger().fit(words, tags).transition_)  # fault
print(MaxEntTagger().score(words, tags).mean())  # fault
RecurrentClassifier(cells="gru")  # fault
print(RecurrentClassifier().fit(words, [0]).embedding_)  # fault
RecurrentTagger().partial_fit(words, tags, class_names=["B-X"])  # fault
RecurrentTagger(features=1)  # fault
print(RecurrentTagger().fit(words, tags).hidden_activations(words))  # fault
LogCountRatioScaler(0.5)  # fault
print(LogCountRatioScaler().fit(X, y).scales_)  # fault
LogCountRatioScaler().fit_transforms(X, y)  # fault
TokenFeatures()  # fault
TokenFeatures("word")  # fault
print(TokenFeatures(sequences.word_features).fit(words).function_)  # fault
TransitionsDisplay([[0.0]], ["O"], name="model")  # fault
sequences.span_f1(tags, tags)  # fault
sequences.span_report(tags, tags, weights=[1])  # fault
print(sequences.span_report(tags, tags).f1)  # fault
sequences.convert_tags(tags[0], 1)  # fault
sequences.spans(1)  # fault
