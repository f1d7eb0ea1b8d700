"""Frozen networks that others have trained, and what they make of a recording or of words.

`weights` finds a model's files and their digest, `hub` fetches them where the user asked for it,
`encoders` opens them, a file a library: `converted_whisper` (CTranslate2), `audio` and `sentences`
(transformers), `onnx_sentences`. The libraries are an extra, imported where a model is opened.
"""
