"""Names of the contact states."""

STATES = ("free", "rim_point", "rim_edge", "hole", "two_points", "jammed", "bottom")
"""Contact states: no contact; on the rim, at one place or along an edge; in the hole, with contacts on one
side or none, on two sides at different depths, still under a push; on the floor of a blind hole."""

RIM = ("rim_point", "rim_edge")
"""States on the rim."""

IN_HOLE = ("hole", "two_points", "jammed", "bottom")
"""States in the hole."""
