"""What a GPU shows of the training half, in under nine minutes on one H100.

Belongs here: checks that need a GPU, speeds, memory and a profile of a training step, one small
experiment, and the folder that a machine without a network needs. Does not belong here: what a CPU
shows as well (tests/, benchmarks/train_step.py).
"""
