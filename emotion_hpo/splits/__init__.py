"""Which utterances train, which validate, and which stay sealed."""
