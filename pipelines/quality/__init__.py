"""Models that score documents: fastText classifiers, classifier cards and KenLM perplexity.

Belongs here: what a model reads of a text, training, the tables `scores` and `classifiers/NAME`. Does not
belong here: numbers without a model (signals/), thresholds and decisions (filtering/).
"""
