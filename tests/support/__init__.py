"""What several test modules share: made-up data, engines and clusters that stand in, scenarios.

Belongs here: anything that two test modules need. Does not belong here: a test.
"""
