"""What a run reads and trains, decided before it starts.

Belongs here: the run card, the mixture of sources, whole counts at every step, the plan, and the
run file that hands all of it to the ranks. Does not belong here: reading tokens (data/), what a
plan costs (cost/), the loop (train.py). No torch.
"""
