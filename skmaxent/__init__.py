"""Maximum-entropy classifiers for sparse, high-dimensional data, with scikit-learn's interface.

The public names are loaded on first use, so ``import skmaxent`` costs milliseconds.
"""

from importlib import import_module

__version__ = "0.1.0"

_HOMES = {
    "MaxEntClassifier": "estimators.maxent",
    "MaxEntClassifierCV": "estimators.maxent_cv",
    "c_min": "estimators.common.penalty",
    "maxent_path": "estimators.path",
    "BackpropMLPClassifier": "estimators.mlp",
    "RecurrentClassifier": "estimators.recurrent",
    "RecurrentTagger": "estimators.recurrent_tagger",
    "check_gradient": "nn.gradient_check",
    "MaxEntRanker": "estimators.ranker",
    "MaxEntTagger": "estimators.tagger",
    "JointFeatures": "features",
    "Joined": "features",
    "LogCountRatioScaler": "features",
    "CRFTagger": "estimators.crf_tagger",
    "TokenFeatures": "features.sentences",
    "explain": "inspection",
    "explain_many": "inspection",
    "top_features": "inspection",
    "Explanation": "inspection",
    "VoteSummary": "inspection",
    "CoefficientsDisplay": "plotting",
    "ConvergenceDisplay": "plotting",
    "HiddenStatesDisplay": "plotting",
    "LossCurveDisplay": "plotting",
    "PathDisplay": "plotting",
    "TransitionsDisplay": "plotting",
    "VoteSummaryDisplay": "plotting",
    "VotesDisplay": "plotting",
    "show_versions": "numerics.versions",
    "datasets": None,
    "export": None,
    "sequences": None,
}
__all__ = [*_HOMES]


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOMES[name]
    if home is None:
        return import_module(f"{__name__}.{name}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__():
    return [*globals(), *__all__]
