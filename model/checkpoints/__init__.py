"""Checkpoints of a training run: saved, verified, kept, copied to a store, exported.

Belongs here: what stands in a run's `checkpoints` and `export` folders, and in its store. Does not
belong here: when the loop saves (model/train.py), the format of DeepSpeed's states.
"""
