"""Largest values of configurations, in SI units.

They are generous for any robot that assembles parts and far below the numbers at which the arithmetic of a
controller overflows. Pairs are (linear, angular), for vectors of six.
"""

from math import pi

LENGTH = 2.0
"""Lengths of parts, tools and paths [m]."""
OFFSET = (0.5, pi)
"""Offsets from a nominal pose [m] and [rad]."""
SPEED = (2.0, 20.0)
"""Speeds of commands [m/s] and [rad/s]."""
WRENCH = (1e4, 1e3)
"""Wrenches, their limits, scales and biases [N] and [Nm]."""
DAMPING = (1e6, 1e5)
"""Damping of a law in a bundle [Ns/m] and [Nms/rad]; the angular one bounds no coupled entry."""
STIFFNESS = (1e7, 1e6)
"""Stiffness of a law in a bundle, and of what an action adds [N/m] and [Nm/rad]."""
CONTACT_STIFFNESS = (1e9, 1e8)
"""Stiffness of a contact [N/m] and [Nm/rad]."""
GAIN_RATE = (1e9, 1e8)
"""Rates of change of damping and stiffness [1/s times their units]."""
GAIN_RATIO = 100.0
"""Factors on the damping [1]."""
MASS = 1e3
"""Masses of tools and laws [kg]."""
GRAVITY = 100.0
"""Components of the acceleration of gravity [m/s2]."""
ENERGY = 1e4
"""Energies [J]."""
POSITION = 1e3
"""Coordinates of a pose in the base frame [m]."""

RATE = 2000.0
"""Control rates [Hz]: a step in Python takes tens of microseconds, one with a new law some hundred."""
SMALLEST_RATE = 1.0
"""Smallest control rate [Hz]."""
FREQUENCY = 1e6
"""Cutoffs of sensors [Hz]."""
TIME = 600.0
"""Durations [s]."""
DELAY = 1.0
"""Delays and lags of a robot and its sensor [s]."""
RATIO = 1e3
"""Ratios without a unit, such as jitter [1]."""

POLICY_PERIOD = 200
"""Control periods in a policy period."""
INSERTION = 200_000
"""Control periods in the longest insertion, all of which are recorded."""
ATTEMPTS = 100
"""Attempts of an insertion."""
HISTORY = 100
"""Past wrenches in an observation."""
CELLS = 10
"""Cells of a map along an axis."""
COPIES = 100
"""Second sensors of a component of an observation."""
DELAY_PERIODS = 50
"""Control periods of delay in a contact loop."""
