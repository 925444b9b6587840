"""Training recurrent networks on sentences: ours against PyTorch, an epoch on the same batches.

    python benchmarks/recurrent.py                     # everything; about an hour
    python benchmarks/recurrent.py --quick             # 1,500 sentences, one repeat, few rows: a try
    python benchmarks/recurrent.py --rows ewt-lstm100  # rows by the beginning of their names
    python benchmarks/recurrent.py --plot              # only the picture

Contestants, all in one process, alternating, from the same initial weights, with the same features of the
distinct tokens of a batch and the same optimiser (Adam, 0.003; of the embedding the rows that a batch has):

- ours: exact lazy rows, packed batches, a thread a direction.
- packed: nn.LSTM on packed sequences, EmbeddingBag with sparse gradients, SparseAdam.
- dense: as packed, with Adam on the whole embedding, which is what our lazy rows compute; its loss after each
  epoch is ours but for rounding and the epsilon of rows at rest. SparseAdam computes something else: the
  moments of absent rows stand still.
- padded: as packed, on padded batches, for which PyTorch has oneDNN's kernels. The backward direction then
  reads the padding of shorter sentences first, so that it computes something else: it is here for its speed.

No dropout and no clipping, so that losses can be compared, and of PyTorch's two biases a gate one is trained
where ours has one (under Adam two would move twice as far). Each is allowed one thread, and two. Medians of
the repeats go to docs/benchmarks/recurrent.csv and docs/benchmarks/recurrent.png: seconds an epoch (wall, and
CPU of the process), the ratio of ours to each, and the loss of the last epoch.
"""

import argparse
import csv
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from _machine import describe_machine
from scipy import sparse

from skmaxent.datasets import load_sentence_polarity, load_trec_questions, load_ud_ewt
from skmaxent.estimators.common.sequence_data import encode_labels, learn_vocabulary, to_sequences
from skmaxent.estimators.common.sequence_input import read_sequences, read_tags
from skmaxent.nn.losses import LOSSES
from skmaxent.nn.optimizers.rules import Adam
from skmaxent.nn.sequence_builder import Recurrent
from skmaxent.nn.training.sequence_batches import SequenceDataset, Sequences
from skmaxent.nn.training.trainer import Trainer
from skmaxent.numerics.threads import BlockRunner, single_blas

OUT = Path(__file__).resolve().parents[1] / "docs" / "benchmarks"
RATE, EMBEDDING = 0.003, 100
#: gates of PyTorch's in the order of ours
GATES = {"lstm": (3, 0, 1, 2), "gru": (0, 1, 2)}


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    data: str
    cell: str
    units: int
    batch_size: int
    buckets: bool
    table_rows: int = 0

    @property
    def name(self):
        order = "buckets" if self.buckets else "shuffled"
        wide = f"-table{self.table_rows}" if self.table_rows else ""
        return f"{self.data}-{self.cell}{self.units}-batch{self.batch_size}-{order}{wide}"


ROWS = [
    *(Row("ewt", "lstm", units, size, order) for units in (100, 200) for size in (32, 128)
      for order in (False, True)),
    *(Row("ewt", "gru", 100, 32, order) for order in (False, True)),
    *(Row(data, "lstm", 100, 32, order) for data in ("trec", "polarity") for order in (False, True)),
    *(Row("ewt", "lstm", 100, 32, True, rows) for rows in (20_000, 500_000)),
]  # fmt: skip
QUICK = [Row("ewt", "lstm", 100, 32, order) for order in (False, True)]


# ---------------------------------------------------------------- data


def load(name, most):
    """Sequences, codes, whether these are of tokens."""
    if name == "ewt":
        train = load_ud_ewt("train")
        X, y = train.data, train.upos
    else:
        bunch = load_trec_questions("train") if name == "trec" else load_sentence_polarity()
        X, y = [text.split() for text in bunch.data], [*bunch.target]
    X, y = X[:most], y[:most]
    given = read_sequences(None, X, False)
    targets = read_tags(y, given) if name == "ewt" else y
    vocabulary = learn_vocabulary(given, np.ones(len(X)), "affixes", 2)
    codes = encode_labels(targets, np.unique(targets), None, "y")
    return to_sequences(given, vocabulary, "affixes", np.float32), codes, name == "ewt"


def with_rows(sequences, n_rows):
    """The sequences with a table of so many rows, the features spread evenly: most rows never occur."""
    table = sequences.table
    columns = np.linspace(0, n_rows - 1, table.shape[1]).astype(table.indices.dtype)
    if n_rows < table.shape[1]:  # features share rows
        columns = np.arange(table.shape[1], dtype=table.indices.dtype) % n_rows
    parts = (table.data, columns[table.indices], table.indptr)
    wide = sparse.csr_matrix(parts, shape=(table.shape[0], n_rows))
    wide.sum_duplicates()
    return Sequences(sequences.lengths, sequences.tokens, wide)


def epochs_of_batches(data, row, n_epochs):
    """The same batches for everybody."""
    rng, epochs = np.random.default_rng(0), []
    for _ in range(n_epochs):
        order = rng.permutation(len(data))
        if row.buckets:
            epochs.append(data.batches(order, row.batch_size))
        else:
            epochs.append(np.split(order, range(row.batch_size, order.size, row.batch_size)))
    return epochs


# ---------------------------------------------------------------- contestants


def start(row, data, n_outputs):
    """The network and its initial parameters."""
    pooling = None if data.per_token else "max"
    network = Recurrent(data.n_columns, EMBEDDING, (row.units,), row.cell, True, pooling, n_outputs)
    parameters = network.parameters(np.float32)
    parameters.initialise(np.random.default_rng(0))
    return network, parameters


class Ours:
    """The networks of skmaxent."""

    def __init__(self, row, data, n_outputs, n_threads):
        network, parameters = start(row, data, n_outputs)
        run = BlockRunner(n_threads)
        graph = network.graph(parameters, parameters.like(), True, run=run)
        slots = [np.zeros_like(parameters.vector) for _ in range(2)]
        self.trainer = Trainer(graph, LOSSES["softmax"](), Adam(), slots, run, lazy=True)
        self.data = data

    def epoch(self, batches):
        with single_blas:  # as a Session does
            return self.trainer.epoch(self.data, batches, RATE)


class Torch:
    """PyTorch, packed or padded; with `dense` Adam moves every row of the embedding."""

    def __init__(self, row, data, n_outputs, n_threads, packed, dense=False):
        import torch

        torch.set_num_threads(n_threads)
        _, parameters = start(row, data, n_outputs)
        kind = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[row.cell]
        self.torch, self.data, self.packed, self.n_threads = torch, data, packed, n_threads
        self.table = torch.nn.EmbeddingBag(
            data.n_columns, EMBEDDING, mode="sum", sparse=not dense, include_last_offset=True
        )
        self.bias = torch.nn.Parameter(torch.zeros(EMBEDDING))
        self.layer = kind(EMBEDDING, row.units, bidirectional=True, batch_first=True)
        self.last = torch.nn.Linear(2 * row.units, n_outputs)
        self.copy(parameters, row.cell)
        self.train_biases_once(row)
        layer = [parameter for parameter in self.layer.parameters() if parameter.requires_grad]
        rest = [self.bias, *layer, *self.last.parameters()]
        if dense:
            self.optimisers = [torch.optim.Adam([*self.table.parameters(), *rest], lr=RATE, fused=True)]
        else:
            self.optimisers = [
                torch.optim.SparseAdam(self.table.parameters(), lr=RATE),
                torch.optim.Adam(rest, lr=RATE, fused=True),
            ]

    def train_biases_once(self, row):
        """Of the biases of the states only those that a GRU has inside of its reset."""
        for suffix in ("", "_reverse"):
            biases = getattr(self.layer, f"bias_hh_l0{suffix}")
            if row.cell == "gru":
                mask = (self.torch.arange(3 * row.units) >= 2 * row.units).float()
                biases.register_hook(lambda gradient, mask=mask: gradient * mask)
            else:
                biases.requires_grad_(False)

    def copy(self, parameters, cell):
        """Take over our initial parameters."""
        torch = self.torch
        with torch.no_grad():
            self.table.weight.copy_(torch.from_numpy(parameters["embedding.weights"]))
            self.last.weight.copy_(torch.from_numpy(parameters["affine.weights"].T.copy()))
            self.last.bias.zero_()
            inverse = [GATES[cell].index(k) for k in range(len(GATES[cell]))]
            for direction, suffix in (("forward", ""), ("backward", "_reverse")):
                for theirs, ours in (
                    ("weight_ih", "weights"),
                    ("weight_hh", "recurrent"),
                    ("bias_ih", "biases"),
                ):
                    gates = np.split(parameters[f"{cell} 1 {direction}.{ours}"], len(inverse), axis=-1)
                    turned = np.concatenate([gates[k] for k in inverse], axis=-1).T.copy()
                    getattr(self.layer, f"{theirs}_l0{suffix}").copy_(torch.from_numpy(turned))
                getattr(self.layer, f"bias_hh_l0{suffix}").zero_()

    def epoch(self, batches):
        self.torch.set_num_threads(self.n_threads)
        total = mass = 0.0
        for order in batches:
            loss, weight = self.step(order)
            total += loss * weight
            mass += weight
        return total / mass

    def step(self, order):
        torch, data, sequences = self.torch, self.data, self.data.sequences
        lengths = sequences.lengths[order]
        order = order[np.argsort(-lengths, kind="stable")]
        lengths = sequences.lengths[order]
        flat = sequences.flat(order)
        distinct, index = np.unique(sequences.tokens[flat], return_inverse=True)
        x = sequences.table[distinct]
        columns, offsets = (torch.from_numpy(a.astype(np.int64)) for a in (x.indices, x.indptr))
        vectors = (self.table(columns, offsets) + self.bias)[torch.from_numpy(index)]
        padded = torch.nn.utils.rnn.pad_sequence(torch.split(vectors, lengths.tolist()), batch_first=True)
        mask = torch.arange(padded.shape[1])[None] < torch.from_numpy(lengths)[:, None]
        if self.packed:
            pack = torch.nn.utils.rnn.pack_padded_sequence(
                padded, torch.from_numpy(lengths), batch_first=True
            )
            states, _ = torch.nn.utils.rnn.pad_packed_sequence(self.layer(pack)[0], batch_first=True)
        else:
            states, _ = self.layer(padded)
        if data.per_token:
            states, targets = states[mask], data.targets[flat]
        else:
            states, targets = states.masked_fill(~mask[:, :, None], -2.0).amax(1), data.targets[order]
        loss = torch.nn.functional.cross_entropy(self.last(states), torch.from_numpy(targets))
        for optimiser in self.optimisers:
            optimiser.zero_grad()
        loss.backward()
        for optimiser in self.optimisers:
            optimiser.step()
        return loss.item(), targets.size


CONTESTANTS = {
    "ours": Ours,
    "packed": lambda *a: Torch(*a, packed=True),
    "dense": lambda *a: Torch(*a, packed=True, dense=True),
    "padded": lambda *a: Torch(*a, packed=False),
}


# ---------------------------------------------------------------- the whole

FIELDS = [
    "row", "contestant", "threads", "sequences", "tokens", "seconds", "cpu_seconds", "ours_to_this",
    "ours_to_this_cpu", "loss", "repeats", "machine",
]  # fmt: skip


def measure(row, most, repeats, threads, contestants):
    """The lines of one row of the table: the contestants alternate, epoch by epoch."""
    sequences, codes, per_token = load(row.data, most)
    if row.table_rows:
        sequences, contestants = with_rows(sequences, row.table_rows), ["ours"]
    data = SequenceDataset(sequences, codes, per_token=per_token)
    data.renumber = True
    epochs = epochs_of_batches(data, row, repeats + 1)
    runs = {
        (name, n): CONTESTANTS[name](row, data, int(codes.max()) + 1, n)
        for name in contestants
        for n in threads
    }
    figures = {key: [] for key in runs}
    for number, batches in enumerate(epochs):
        for key, run in runs.items():
            # the first epoch, a warm-up, does not count
            wall, cpu = time.perf_counter(), time.process_time()
            loss = run.epoch(batches)
            figures[key].append((time.perf_counter() - wall, time.process_time() - cpu, loss))
            print(
                f"{row.name} {key} epoch {number}: {figures[key][-1][0]:.2f} s, loss {loss:.4f}", flush=True
            )
    lines = []
    for (name, n), found in figures.items():
        seconds, cpu = (median(f[i] for f in found[1:]) for i in (0, 1))
        ours = figures["ours", n][1:]
        lines.append({
            "row": row.name, "contestant": name, "threads": n, "sequences": len(data),
            "tokens": int(sequences.lengths.sum()), "seconds": f"{seconds:.4g}", "cpu_seconds": f"{cpu:.4g}",
            "ours_to_this": f"{median(f[0] for f in ours) / seconds:.3f}",
            "ours_to_this_cpu": f"{median(f[1] for f in ours) / cpu:.3f}",
            "loss": f"{found[-1][2]:.4f}", "repeats": repeats, "machine": describe_machine(),
        })  # fmt: skip
    return lines


def plot(lines):
    """Ratios of ours to the others, row by row."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = [*dict.fromkeys(line["row"] for line in lines if line["contestant"] != "ours")]
    fig, axes = plt.subplots(1, 2, figsize=(13, 1.5 + 0.45 * len(names)), sharey=True, layout="constrained")
    for ax, threads in zip(axes, ("1", "2")):
        for k, (contestant, colour) in enumerate((("packed", "C1"), ("padded", "C2"))):
            found = {
                line["row"]: float(line["ours_to_this"])
                for line in lines
                if line["contestant"] == contestant and str(line["threads"]) == threads
            }
            places = [i + 0.4 * k for i, name in enumerate(names) if name in found]
            values = [found[name] for name in names if name in found]
            ax.barh(places, values, 0.38, color=colour, label=f"ours / PyTorch {contestant}")
            for place, value in zip(places, values):
                ax.text(value, place, f" {value:.2f}", va="center", fontsize=8)
        ax.axvline(1, color="grey", lw=0.8)
        ax.set(title=f"{threads} thread{'s' * (threads == '2')}", xlabel="seconds an epoch, ratio")
    axes[0].set_yticks([i + 0.2 for i in range(len(names))], names, fontsize=8)
    axes[0].invert_yaxis()
    axes[0].legend(fontsize=8)
    fig.suptitle(lines[0]["machine"], fontsize=7)
    fig.savefig(OUT / "recurrent.png", dpi=110)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", nargs="+", help="beginnings of names, such as ewt-lstm100-batch32")
    parser.add_argument("--contestants", nargs="+", choices=CONTESTANTS, default=[*CONTESTANTS])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--most", type=int, default=None, help="number of sequences, for a try")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--plot", action="store_true", help="draw the figures that are there")
    args = parser.parse_args()
    most, repeats = (1500, 1) if args.quick else (args.most, args.repeats)
    OUT.mkdir(parents=True, exist_ok=True)
    file = OUT / "recurrent.csv"
    lines = [*csv.DictReader(file.open())] if file.exists() else []
    for row in [] if args.plot else QUICK if args.quick else ROWS:
        if args.rows and not row.name.startswith(tuple(args.rows)):
            continue
        measured = measure(row, most, repeats, args.threads, args.contestants)
        for line in measured:
            print({k: v for k, v in line.items() if k not in ("machine", "repeats")}, flush=True)
        if most is None:  # tries are printed alone
            lines = [line for line in lines if line["row"] != row.name] + measured
            names = [r.name for r in ROWS]
            lines.sort(key=lambda line: names.index(line["row"]))
            with file.open("w", newline="") as out:
                writer = csv.DictWriter(out, FIELDS)
                writer.writeheader()
                writer.writerows(lines)
    if most is None:
        plot(lines)


if __name__ == "__main__":
    main()
