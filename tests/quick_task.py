"""The task of version 0.2, for tests that learn something in a few hundred steps.

Its robot follows every command at once, with a compliance law that is quick for it, and its state is narrow.
"""

from immediate_robot import immediate_robot

from assembly_rl.controllers.insertion import ActionConfig, ObservationConfig
from assembly_rl.envs import TaskConfig
from assembly_rl.envs.config import ComplianceConfig, RewardConfig

QUICK_TASK = TaskConfig(
    observation=ObservationConfig(["wrench", "pose", "last_action"]),
    action=ActionConfig(wrench=[5.0, 5.0, 8.0, 0.15, 0.15, 0.15]),
    compliance=ComplianceConfig(
        mass=[4.0, 4.0, 4.0, 0.06, 0.06, 0.06], damping=[150.0, 150.0, 800.0, 1.0, 1.0, 1.0]
    ),
    reward=RewardConfig(force=-0.004),
    robot=immediate_robot(),
)
