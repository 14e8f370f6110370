"""Groups of action components with similar influence on the state."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist, squareform

from assembly_rl.methods.pead.grouping import Grouping

APART = 10.0
"""Distance between a force and a moment; other distances are one minus the cosine of two columns."""


def similar(influence: NDArray[np.float64], dimensions: Sequence[int]) -> list[Grouping]:
    """Cluster components into groupings by average linkage; each refines those with fewer dimensions.

    Args:
        influence: CS3 (states, actions), forces before moments.
        dimensions: Number of dimensions of each stage.
    """
    distances = squareform(pdist(influence.T + 1e-12, "cosine"))
    moment = np.arange(len(distances)) >= len(distances) // 2
    distances[moment[:, None] != moment] = APART
    tree = linkage(squareform(distances, checks=False), "average")
    stages = []
    for count in dimensions:
        labels = fcluster(tree, count, "maxclust")
        members = labels == np.unique(labels)[:, None]
        stages.append(Grouping(members[np.argsort(members.argmax(1))].T.astype(np.float32)))
    return stages
