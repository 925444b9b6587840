"""Designs: how weights turn into scores and residuals into gradients, on columns, pairs or observed pairs."""
