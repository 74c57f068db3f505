"""Token shards: their format, writing them, reading them.

Belongs here: what is known of tokens once they are on disk. The reader imports nothing else of
pipelines/ but lake/, as training reads shards with it. Does not belong here: encoding text
(tokenizer/), the order that a run reads in (model/data/).
"""
