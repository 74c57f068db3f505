"""The vocabulary: building it, encoding with it, measuring it.

Belongs here: pre-tokens, merges, the tables `tokenizer` and `tokenizer_report`, the encoder. Does not
belong here: token shards (shards/), sizes of a vocabulary (cards/tokenizer.py).
"""
