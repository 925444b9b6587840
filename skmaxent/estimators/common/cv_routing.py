"""How a search splits its data, and what metadata go to its splitter and its scorer."""

from typing import Any

from sklearn.metrics import get_scorer
from sklearn.model_selection import check_cv
from sklearn.utils import Bunch
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from ...compat import routing_enabled


class SearchRouting:
    """Mixin of an estimator with the parameters `cv` and `scoring`."""

    def _folds(self, data, validation, routed):
        """Numbers of the rows to train and to test on, a list of pairs; with a validation set [None]."""
        if validation is None:
            splits = check_cv(self.cv, data.y, classifier=True).split(data.X, data.y, **routed.splitter.split)
            folds = list(splits)
            if not folds:
                raise ValueError("No fits were performed. Was the CV iterator empty?")
            return folds
        given = {"cv": self.cv, **routed.splitter.split, **routed.scorer.score}
        unused = [name for name, value in given.items() if value is not None and name != "sample_weight"]
        if unused:
            raise ValueError(f"X_val and {unused[0]} exclude each other: a validation set is the only fold.")
        return [None]

    def _routed(self, method, sample_weight, params):
        """Metadata for the splitter and the scorer."""
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        if routing_enabled():
            return process_routing(self, method, **weights, **params)
        groups = {"groups": params.pop("groups")} if method == "fit" and "groups" in params else {}
        if params:
            raise ValueError(
                f"[{', '.join(sorted(params))}] are passed but metadata routing is not enabled: "
                "sklearn.set_config(enable_metadata_routing=True)."
            )
        return Bunch(splitter=Bunch(split=groups), scorer=Bunch(score=weights))

    def _get_scorer(self):
        return get_scorer(self.scoring or "accuracy")

    def get_metadata_routing(self) -> Any:
        """Which metadata goes to the splitter and which to the scorer.

        Returns
        -------
        routing : MetadataRouter
            What the splitter and the scorer ask for.
        """
        split = MethodMapping().add(caller="fit", callee="split")
        score = MethodMapping().add(caller="fit", callee="score").add(caller="score", callee="score")
        return (
            MetadataRouter(owner=type(self).__name__)
            .add_self_request(self)
            .add(splitter=self.cv, method_mapping=split)
            .add(scorer=self._get_scorer(), method_mapping=score)
        )
