"""From the user's problem to an equal one that is easier to solve, and back: each with its restoration."""
