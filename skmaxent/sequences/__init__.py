"""What taggers share, free of any estimator: order of the tokens in batches, tags and spans, their scores."""
