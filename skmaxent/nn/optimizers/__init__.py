"""How a gradient moves the weights, on whole arrays and on the rows that a batch touches."""
