"""What editors and type checkers see of `skmaxent`; at run time the names are loaded on first use."""

from . import datasets as datasets
from . import export as export
from . import sequences as sequences
from .estimators.common.penalty import c_min as c_min
from .estimators.crf_tagger import CRFTagger as CRFTagger
from .estimators.maxent import MaxEntClassifier as MaxEntClassifier
from .estimators.maxent_cv import MaxEntClassifierCV as MaxEntClassifierCV
from .estimators.mlp import BackpropMLPClassifier as BackpropMLPClassifier
from .estimators.path import maxent_path as maxent_path
from .estimators.ranker import MaxEntRanker as MaxEntRanker
from .estimators.recurrent import RecurrentClassifier as RecurrentClassifier
from .estimators.recurrent_tagger import RecurrentTagger as RecurrentTagger
from .estimators.tagger import MaxEntTagger as MaxEntTagger
from .features import Joined as Joined
from .features import JointFeatures as JointFeatures
from .features import LogCountRatioScaler as LogCountRatioScaler
from .features.sentences import TokenFeatures as TokenFeatures
from .inspection import Explanation as Explanation
from .inspection import VoteSummary as VoteSummary
from .inspection import explain as explain
from .inspection import explain_many as explain_many
from .inspection import top_features as top_features
from .nn.gradient_check import check_gradient as check_gradient
from .numerics.versions import show_versions as show_versions
from .plotting import CoefficientsDisplay as CoefficientsDisplay
from .plotting import ConvergenceDisplay as ConvergenceDisplay
from .plotting import HiddenStatesDisplay as HiddenStatesDisplay
from .plotting import LossCurveDisplay as LossCurveDisplay
from .plotting import PathDisplay as PathDisplay
from .plotting import TransitionsDisplay as TransitionsDisplay
from .plotting import VotesDisplay as VotesDisplay
from .plotting import VoteSummaryDisplay as VoteSummaryDisplay

__version__: str
__all__: list[str]
