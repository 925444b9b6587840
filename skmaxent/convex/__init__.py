"""The training objective of a maximum-entropy model: data, design, loss, penalty, presolve, certificate."""
