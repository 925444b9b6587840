"""What a fit claims and why it may: duality gaps, repaired dual points, rounding, separation."""
