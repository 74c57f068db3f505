"""What a job and those outside it tell each other while a run goes on.

Belongs here: stop requests and leases (control), signs of life (heartbeat), messages to the
orchestrator, logs. Does not belong here: training itself, states (checkpoints/), judging silence
(assets/cluster/). No torch at import.
"""
