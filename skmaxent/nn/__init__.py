"""Feed-forward networks trained by backpropagation, at a cost that follows the non-zeros of X.

Read in this order: `layers` (boxes with fprop and bprop), `graph` (boxes in a row), `optimizers`
(how a gradient moves the weights), `lazy_rows` (the same moves, only for the rows a batch touches),
`batches` and `trainer`.
"""
