"""Stiffness of the contact between a part and its hole, and its effect under a compliance law."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigvalsh

from assembly_rl.controllers.compliance import ComplianceLaw
from assembly_rl.controllers.contact_loop import ContactLoop
from assembly_rl.controllers.etcl import ContactStiffness, floored, identify_contact_stiffness
from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.envs.probing import Probes, probe_contact
from assembly_rl.methods.transfer.source import Source

FREE_RATE = 5.0
"""Rate [1/s] of a law in contact below which the contact is negligible."""


def contact_stiffness(part: PegHole, task: TaskConfig) -> ContactStiffness:
    """Identify the stiffness of a part's contact by probing in simulation."""
    return stiffness_of(probe_contact(part, task))


def stiffness_of(probes: Probes) -> ContactStiffness:
    """Identify the stiffness K_e of a contact from recorded probes."""
    return identify_contact_stiffness(probes.offsets, probes.wrenches)


def contact_distance(source: Source, new: ContactStiffness) -> float:
    """Return the distance of a new contact from that of a source's part, under the source's law.

    It is the affine-invariant distance of positive definite matrices: the square root of the sum of squared
    logarithms of their generalised eigenvalues. Directions in which both contacts are negligible are equal.
    """
    law = source.config.task.law()
    old = contact_stiffness(source.config.geometry.part(), source.config.task)
    one, other = (floored(of.matrix, law.damping, FREE_RATE) for of in (old, new))
    return float(np.linalg.norm(np.log(eigvalsh(one, other))))


def contact_rates(law: ComplianceLaw, stiffness: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``diag(D^-1 K_e)`` (6,) [1/s], the rates of a law in contact, axis by axis."""
    return np.array(np.diag(np.linalg.solve(law.damping, stiffness)))


def is_stable(law: ComplianceLaw, task: TaskConfig) -> bool:
    """Return True if a law is stable in the task's stiffest contact, also with its lowest random gains."""
    if not task.compliance.check_contact:
        return True
    softest = replace(law, damping=law.damping * task.randomization.gains[0])
    own, contact = task.admittance, task.stiffest_contact()
    return ContactLoop(
        softest, task.control_rate, contact, own.cutoff, own.discretization, own.selected_axes
    ).is_stable()
