"""Every page that a person looks at, and the figures on it: of a run, of samples, of a vocabulary.

Belongs here: collecting what a page shows, laying it out (templates/), drawing. Does not belong
here: measuring (pipelines, model), when a page is written (assets, jobs).
"""
