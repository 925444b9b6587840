"""Ground floor, on NumPy and SciPy alone: losses, threads, missing values."""
