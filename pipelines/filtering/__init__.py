"""Keep a document, or name every reason against it.

Belongs here: the policy's form, the policies that come with the project, the table `decisions`,
judging a text again after a cut. Does not belong here: measuring (signals/, quality/), reasons that
depend on other documents (dedup/, contamination/, release/).
"""
