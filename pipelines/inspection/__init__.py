"""Questions that a person asks about dumps and releases.

Belongs here: why a URL is in or out, samples, the funnel of a dump, what another policy would change,
what people said of documents and how decisions agree with it, what differs between two releases.
Nothing here writes to the lake, and no personal data leaves it unmasked. Does not belong here: pages
and figures (reports/), commands (jobs/).
"""
