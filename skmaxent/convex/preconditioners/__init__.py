"""Approximate inverses of the Hessian."""
