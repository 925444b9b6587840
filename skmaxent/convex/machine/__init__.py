"""The row machine: the same solvers where the rows lie in blocks, in files or in other processes.

Reading order: `parts` (rows with their labels), `programs` (what is asked of a block), `block` (which does
it), `handles` (what solvers hold instead of arrays), `proxies` (design, likelihood and vectors), `backends`,
`solve`; `files` and `scratch` (rows and their arrays on disk).
"""
