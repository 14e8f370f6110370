"""Contact states as labels."""

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.recognition import STATES
from assembly_rl.recognition.episodes import Recording

INSIDE = 1e-4
"""Depth [m] below the chamfer from which on all corners of the peg's end face are in the hole."""

POINT = 1e-3
"""Largest extent [m] of the contacts of a point."""

FLOOR = 2e-4
"""Largest height [m] above the floor of a contact with it."""

STILL = 1e-4
"""Largest change of depth [m] of a jammed peg."""

PUSHED = 2.0
"""Least mean axial force [N] on a jammed peg."""

STEPS = 10
"""Policy steps over which a peg has to stand still: half a second at 20 Hz."""


def states(recording: Recording) -> NDArray[np.int64]:
    """Return the contact state at the end of each policy step, as its place in ``STATES``.

    A peg is in the hole if the highest corner of its end face is more than ``INSIDE`` below the chamfer; so
    long as one corner is not, a contact is on the rim. The first of these that is true is the state:

    - ``bottom``: in the hole, with a contact ``FLOOR`` or less above the floor of a blind hole.
    - ``jammed``: in the hole for ``STEPS`` policy steps, pushed into it with a mean force of more than
      ``PUSHED``, while its depth stayed within ``STILL``.
    - ``two_points``: in the hole, with contacts at two heights, at walls that face each other; see ``Truth``.
    - ``hole``: in the hole otherwise: without a contact, or with contacts on one side.
    - ``rim_edge``: contact on the rim over more than ``POINT``: along an edge, at several places, or flat.
    - ``rim_point``: contact on the rim at one place: a corner, or an edge across an edge.
    - ``free``: no contact in the policy step.
    """
    blind, inside = recording.geometry[:, 2] > 0.0, in_hole(recording)
    touching = recording.touching
    conditions = {
        "bottom": inside & touching & blind & (recording.lowest <= FLOOR - recording.geometry[:, 0]),
        "jammed": inside & _stands(recording, inside),
        "two_points": inside & recording.opposed,
        "hole": inside,
        "rim_edge": touching & (recording.spread > POINT),
        "rim_point": touching,
    }
    found = np.select(
        list(conditions.values()), [STATES.index(name) for name in conditions], STATES.index("free")
    )
    return np.asarray(found, dtype=np.int64)


def in_hole(recording: Recording) -> NDArray[np.bool_]:
    """Return True for each policy step at whose end the peg is in the hole."""
    return np.asarray(recording.highest < -recording.geometry[:, 1] - INSIDE)


def _stands(recording: Recording, inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return True for each policy step before which a pushed peg stood still in the hole."""
    number = np.arange(len(inside))
    first = np.searchsorted(recording.starts, recording.starts)  # policy step at the episode's start
    found = np.zeros(len(inside), dtype=bool)
    for place in np.flatnonzero(inside & (number - first >= STEPS)):
        span = slice(place - STEPS, place + 1)
        pushed = recording.readings[recording.ends[place - STEPS] : recording.ends[place], 2].mean() > PUSHED
        found[place] = pushed and inside[span].all() and np.ptp(recording.heights[span]) <= STILL
    return found
