"""What a person may set, each as a card: frozen, typed, read from YAML, unknown keys refused.

Belongs here: cards of a dump, a release and a tokenizer, and every policy that they or the lake name;
each field says what it means, its unit and where its default comes from. Does not belong here: what a
card's values do; the filtering policy, which names columns of signals (filtering/policy.py); cards of
training runs (model/plan/card.py).
"""
