"""What training costs, known before it starts: memory, speed, disk, hours.

Belongs here: closed formulas and what follows from them for a card. Does not belong here: anything
that is measured while a run goes on (model/run/logs.py). No torch.
"""
