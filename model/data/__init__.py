"""What a run reads: which sequences make a step's batch, in which order, from where.

Belongs here: the loader, the order of a pass, reading ahead from S3, tracing a sample to its
documents. Does not belong here: the plan (model/plan), the format of shards (pipelines/shards). No
torch.
"""
