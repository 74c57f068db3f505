"""What the loop of train.py is made of, beside the network and the data.

Belongs here: ranks and what they exchange, the DeepSpeed engine and its strategies, checks before
step 1, norms, spikes, validation in the loop, saving and going back. Does not belong here: the loop
(train.py), the files of checkpoints (checkpoints/), what is told to others (run/).
"""
