"""Feed-forward networks trained by backpropagation, at a cost that follows the non-zeros of X.

Read in this order: `layers` (boxes with fprop and bprop), `graph` (boxes in a row), `builders` (which boxes),
`parameters`, `losses`, `optimizers` (how a gradient moves the weights, also only the rows that a batch
touches) and `training`.
"""
