"""A typed record for each JSON file of a study: one model for its writer and for every reader.

`base.read_record(path, kind)` reads a file as its record or says in one line what is wrong with it,
a file of another version included; `base.write_record(path, record)` replaces it as a whole. A file
of the package is one record with its parts; their fields stand in docs/records.md.
"""
