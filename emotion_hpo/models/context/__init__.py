"""Context: the turns of a dialogue, by the vectors that the fusion makes of them, read together."""
