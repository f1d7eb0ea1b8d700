"""The synthetic twin of IEMOCAP: its exact shape, invented content."""
