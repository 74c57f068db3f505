"""Models that score documents: fastText classifiers and KenLM perplexity.

Belongs here: what a model reads of a text, training, the table `scores`. Does not belong here:
numbers without a model (signals/), thresholds and decisions (filtering/).
"""
