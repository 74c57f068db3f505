"""The network: its shape, its layers, and the layers as stages of a pipeline.

Belongs here: what is computed from tokens to loss. Does not belong here: optimizer and ranks
(model/training), files of weights (model/checkpoints).
"""
