"""What training needs to know, apart from the network and the data."""

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class TrainingOptions:
    """How to train; names and meanings are those of `BackpropMLPClassifier`'s parameters."""

    solver: str = "adam"
    alpha: float = 1e-4
    l1_ratio: float = 0.0
    batch_size: int | str = "auto"
    learning_rate: str = "constant"
    learning_rate_init: float = 0.001
    power_t: float = 0.5
    max_iter: int = 200
    shuffle: bool = True
    tol: float = 1e-4
    momentum: float = 0.9
    nesterovs_momentum: bool = True
    early_stopping: bool = False
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    n_iter_no_change: float = 10
    max_fun: int = 15000
    max_norm: float | None = None
    auto_batch: int = 200

    @classmethod
    def of(cls, source):
        """The options that an object has as attributes, the others by default."""
        names = [field.name for field in fields(cls) if hasattr(source, field.name)]
        return cls(**{name: getattr(source, name) for name in names})

    @property
    def l2(self):
        """Strength of the penalty on squares."""
        return self.alpha * (1 - self.l1_ratio)

    @property
    def l1(self):
        """Strength of the penalty on moduli."""
        return self.alpha * self.l1_ratio

    def rows_of_a_batch(self, n):
        """Number of rows of a batch of n examples."""
        return min(self.auto_batch if self.batch_size == "auto" else self.batch_size, n)
