"""One call of fit: from parameters and data to trained weights."""

import numpy as np

from ...numerics.threads import BlockRunner
from ..losses import LOSSES
from ..optimizers.momentum import Momentum
from ..optimizers.rules import SGD, AdaGrad, Adam
from ..optimizers.shared_columns import SharedColumns, lonely_groups
from .batches import Dataset
from .lbfgs import Objective, minimise
from .loop import Patience, Schedule, run_epochs
from .trainer import DENSE_FRACTION, Trainer

#: multiplications of a product that are worth several threads of BLAS
BLAS_WORK = 5_000_000
#: how to make each optimiser from the options; lbfgs needs none
SOLVERS = {
    "sgd": lambda o: (
        Momentum(o.l2, o.l1, o.momentum, o.nesterovs_momentum) if o.momentum else SGD(o.l2, o.l1)
    ),
    "adam": lambda o: Adam(o.l2, o.l1, o.beta_1, o.beta_2, o.epsilon),
    "adagrad": lambda o: AdaGrad(o.l2, o.l1, o.epsilon),
    "lbfgs": None,
}


class Session:
    """The network, its loss and the optimiser's state during one call of fit or partial_fit.

    Parameters
    ----------
    options : TrainingOptions
    network : builder
        See `builders`.
    parameters : Parameters
        Changed in place.
    output : {"softmax", "logistic"}
    seed : int
    trained : bool
        Whether the parameters come from an earlier call; else they are initialised here.
    state : dict, optional
        What `state` returned at the end of the last call.
    n_threads : int, optional
    """

    def __init__(self, options, network, parameters, output, seed, trained=False, state=None, n_threads=None):
        self.options, self.network, self.parameters = options, network, parameters
        self.output, self.seed = output, seed
        self.run = BlockRunner(n_threads)
        self.rng = np.random.default_rng(seed)
        self.schedule = Schedule("constant", options.learning_rate_init, options.power_t)
        if options.solver in ("sgd", "adagrad"):
            self.schedule.kind = options.learning_rate
        self.dtype = parameters.vector.dtype
        if not trained:
            parameters.initialise(self.rng)
        if SOLVERS[options.solver] is not None:
            self.rule = SOLVERS[options.solver](options)
            if (
                state is not None
                and state["solver"] == options.solver
                and len(state["slots"]) == self.rule.n_slots
            ):
                self.rule.t = state["steps"]
                self.schedule.rate = state["rate_factor"] * options.learning_rate_init
                self.slots = [slot.copy() for slot in state["slots"]]
            else:
                self.slots = self._new_slots(parameters)
        if state is not None:
            self.rng.bit_generator.state = state["rng"]

    def _new_slots(self, parameters):
        size, dtype = parameters.vector.size, self.dtype
        return [np.zeros(size, dtype) for _ in range(self.rule.n_slots)]  # no memory before it is written

    def state(self):
        """What a later call needs to go on: arrays, numbers, strings and dicts."""
        state = {
            "solver": self.options.solver,
            "seed": self.seed,
            "rng": self.rng.bit_generator.state,
            "slots": [],
        }
        if self.options.solver != "lbfgs":
            state.update(
                slots=self.slots, steps=self.rule.t, rate_factor=self.schedule.rate / self.schedule.initial
            )
        return state

    def _graph(self, parameters, sparse):
        # the masks' own generator: their number of draws must not shift the shuffling
        masks = np.random.default_rng(self.seed + 1)
        return self.network.graph(parameters, parameters.like(), sparse, masks, self.run)

    def _limit_blas(self, n_rows, sparse):
        """One thread for the products of a step on so many rows, where more would wait for each other."""
        dense_layers = [*self.parameters.weights.values()][1 if sparse else 0 :]
        self.run.limit_blas = getattr(self.network, "has_threads", False) or (
            n_rows * max((w.size for w in dense_layers), default=0) < BLAS_WORK
        )

    def train(self, data, validate, max_epochs, progress, report, keep=False):
        """Stochastic training.

        The parameters as for `run_epochs`, `keep` whether `state` will be wanted.
        """
        options, batch_size = self.options, self.options.rows_of_a_batch(len(data))
        self._limit_blas(batch_size, data.sparse)
        lazy = data.sparse and self.rule.can_rest
        if lazy:
            lazy = data.occurring_columns(np.arange(batch_size)) < DENSE_FRACTION * data.n_columns
        parameters, slots, shared = self.parameters, self.slots, None
        if lazy and not keep and not options.l1 and self.rule.decoupled and data.may_share:
            groups = lonely_groups(data.X, parameters.first.shape[1])
            if groups is not None:
                shared = SharedColumns(data.X, parameters, groups, self.run, batch_size)
                data = Dataset(shared.X, data.targets, data.weights, data.keys, shared.scale, shared.n_head)
                parameters, slots = shared.parameters, self._new_slots(shared.parameters)
        graph, loss = self._graph(parameters, data.sparse), LOSSES[self.output]()
        trainer = Trainer(graph, loss, self.rule, slots, self.run, lazy, shared, options.max_norm)
        with self.run:
            return run_epochs(
                trainer, self.parameters.vector, data, self.rng, self.schedule, options, max_epochs, progress,
                validate, lambda: report(trainer.sync),
            )  # fmt: skip

    def minimise(self, data, validate, progress, report):
        """Full-batch training; returns the number of iterations and why it stopped."""
        options, held = self.options, self.parameters.vector
        self._limit_blas(len(data), data.sparse)
        working = self.parameters.like(np.float64)  # L-BFGS needs float64
        wide = Dataset(data.X.astype(np.float64, copy=False), data.targets, data.weights)
        graph = self._graph(working, data.sparse)
        objective = Objective(graph, LOSSES[self.output](), wide, options.l2)
        start = len(progress.loss_curve)
        patience = None
        if options.early_stopping and validate is not None:
            patience = Patience(options.tol, options.n_iter_no_change, True, held, progress, validate)

        def on_iteration(vector, loss):
            held[:] = vector
            progress.loss_curve.append(float(loss))
            if validate is not None:
                score, validation_loss = validate()
                progress.validation_scores.append(score)
                progress.validation_losses.append(validation_loss)
            exhausted = patience is not None and patience.exhausted()
            return "callback" if report(lambda: None) else "converged" if exhausted else None

        limits = (options.max_iter, options.max_fun, options.tol)
        with self.run:
            vector, loss, reason = minimise(
                objective, held.astype(np.float64), options.l1, *limits, on_iteration
            )
        held[:] = vector
        if patience is not None:
            patience.restore()
        n_iterations = len(progress.loss_curve) - start
        if n_iterations == 0:
            progress.loss_curve.append(float(loss))
        progress.best_loss = min(progress.best_loss, float(loss))
        return n_iterations, reason or "converged"

    def evaluate(self, data):
        """Accuracy and mean loss of the current weights.

        A multilabel row counts when all is right, a distribution as far as it gives the predicted class.
        """
        box = LOSSES[self.output]()
        weights = np.ones(len(data.targets)) if data.weights is None else data.weights
        loss = right = 0.0
        graph = self.network.graph(self.parameters, self.parameters, data.sparse, run=self.run)
        for part, scores in data.outputs(graph):
            targets = data.targets[part]
            loss += float(box.fprop(scores, targets, weights[part]))
            if self.output == "logistic":
                hits = ((scores > 0) == (targets > 0.5)).all(axis=1)
            elif targets.ndim == 1:
                hits = scores.argmax(axis=1) == targets
            else:
                hits = targets[np.arange(len(targets)), scores.argmax(axis=1)]
            right += float(weights[part] @ hits)
        return right / weights.sum(), loss / weights.sum()
