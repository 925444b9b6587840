"""What skops is to trust."""

#: Types that fitted models of this package hold, for ``skops.io.load(file, trusted=SKOPS_TYPES)``: our
#: estimators and their parts, and SciPy's CSC matrix, in which searches with observed pairs keep their paths.
#: To build one of them runs no code of the file. Functions that a model was given (joint features, features
#: of tokens) are not among them: who loads it has to know them, and to add their names.
SKOPS_TYPES = [
    "scipy.sparse._csc.csc_matrix",
    "skmaxent.estimators.common.prediction.SparseWeights",
    "skmaxent.estimators.crf_tagger.CRFTagger",
    "skmaxent.estimators.maxent.MaxEntClassifier",
    "skmaxent.estimators.maxent_cv.MaxEntClassifierCV",
    "skmaxent.estimators.mlp.BackpropMLPClassifier",
    "skmaxent.estimators.ranker.MaxEntRanker",
    "skmaxent.estimators.recurrent.RecurrentClassifier",
    "skmaxent.estimators.recurrent_tagger.RecurrentTagger",
    "skmaxent.estimators.tagger.MaxEntTagger",
    "skmaxent.features.joint.JointFeatures",
    "skmaxent.features.log_count_ratio.LogCountRatioScaler",
    "skmaxent.features.sentences.TokenFeatures",
    "skmaxent.features.templates.Joined",
    "skmaxent.sequences.windows.word_features",
]
