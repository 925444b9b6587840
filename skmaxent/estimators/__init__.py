"""What users fit, a file each."""
