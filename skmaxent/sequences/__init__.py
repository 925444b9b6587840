"""Sequences: chains of tags, and the conditional random field as a convex problem."""
