"""Evaluations of an exported model: loss and bits per byte, perplexity, benchmarks, leakage.

Belongs here: questions put to a model, and how answers are judged. Does not belong here: the
network (model/network), validation during training (model/training/validation.py). `python -m
model.evaluate` runs one task."""
