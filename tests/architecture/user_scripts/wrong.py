"""A user's script with a fault in each marked line: the type checker must find all of them, and no other."""

from skmaxent import BackpropMLPClassifier, MaxEntClassifier, MaxEntMarkovModel, maxent_path  # fault

X, y = [[0.0], [1.0]], [0, 1]
model = MaxEntClassifier(c=2.0)  # fault
print(model.fit(X, y).coeff_)  # fault
MaxEntClassifier(C="strong")  # fault
maxent_path(X, y, C=2)  # fault
model.predict()  # fault
BackpropMLPClassifier(hidden_layer_size=(3,))  # fault
print(model.score(X, y).shape)  # fault
print(MaxEntMarkovModel)
