"""Does a second stage on STEM help, and at what share? The report's two stages, at small size.

Belongs here: the arms, their trainings, the comparison. Does not belong here: how a run is planned
or trained (model/)."""
