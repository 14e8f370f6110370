"""Playback of a recording through a bundle: the simplest robot program."""

from math import isnan

from assembly_rl.controllers.bundles import BundleController, Recording
from assembly_rl.controllers.validation import InputError


def play_back(controller: BundleController, recorded: Recording) -> Recording:
    """Feed a recording to a bundle, step by step.

    The commands have no effect: the readings are those that the recorded commands led to.

    Args:
        controller: Controller of the bundle.
        recorded: Recorded readings and poses.

    Returns:
        Recording of the same readings and poses, with the bundle's commands, faults and states.

    Raises:
        ValueError: The recording is empty, or its first pose is too far from the start.
    """
    if not len(recorded):
        raise InputError("the recording has no rows")
    poses = [(row[:3], row[3:]) for row in recorded.poses.tolist()]
    x, y, z, qx, qy, qz, qw = recorded.poses[0].tolist()
    controller.reset(recorded.hole, ((x, y, z), (qx, qy, qz, qw)), bias=recorded.bias)
    rows: list[tuple[object, ...]] = []
    times = recorded.times.tolist(), recorded.stamps.tolist()
    for time, stamp, wrench, pose in zip(*times, recorded.wrenches.tolist(), poses, strict=True):
        command = controller.step(wrench, pose, time, None if isnan(stamp) else stamp)
        answer = (*command.position, *command.orientation)
        rows.append((stamp, time, *wrench, *pose[0], *pose[1], *answer, command.faults, command.state))
    return Recording.of_rows(recorded.hole, recorded.bias, rows)
