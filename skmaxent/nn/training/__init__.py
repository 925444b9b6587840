"""From data and a graph to trained parameters: batches, epochs, stopping, sessions that go on."""
