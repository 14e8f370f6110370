"""The arm's kinematics against Pinocchio's, from the same URDF."""

import numpy as np
import pinocchio as pin
import pytest

from assembly_rl.envs.robots.config import RobotConfig
from assembly_rl.envs.robots.iiwa import MOUNT, URDF, iiwa_kinematics
from assembly_rl.envs.robots.kinematics import homogeneous


@pytest.mark.parametrize("seed", range(5))
def test_flange_and_jacobian_are_those_of_pinocchio(seed: int) -> None:
    rng = np.random.default_rng(seed)
    config = RobotConfig(
        model="iiwa",
        base_position=rng.uniform(-1.0, 1.0, 3).tolist(),
        base_rotation=rng.uniform(-1.0, 1.0, 3).tolist(),
    )
    arm = iiwa_kinematics(config)
    joints = rng.uniform(arm.lower, arm.upper)
    model = pin.buildModelFromUrdf(str(URDF))
    flange = model.addFrame(
        pin.Frame("flange", model.njoints - 1, 0, pin.SE3(homogeneous(*MOUNT)), pin.FrameType.OP_FRAME)
    )
    data = model.createData()
    frame = pin.ReferenceFrame.LOCAL_WORLD_ALIGNED
    jacobian = pin.computeFrameJacobian(model, data, joints, flange, frame)
    pin.framesForwardKinematics(model, data, joints)
    base = homogeneous(*arm.base)
    expected = base @ data.oMf[flange].homogeneous
    turned = np.kron(np.eye(2), base[:3, :3]) @ jacobian

    found, own = arm.flange(joints)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    np.testing.assert_allclose(own, turned, atol=1e-12)
