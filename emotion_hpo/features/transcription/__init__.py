"""Recordings become words: a CSV that `corpus.transcripts` reads, and a record beside it.

`recognisers` opens what recognises, a file a library: `pocket_sphinx` and `whisper`. The libraries
are an extra, imported where something is recognised. `transcribe` walks through a corpus,
`words_file` keeps what is recognised, `word_errors` compares it with the manual transcripts.
"""
