"""Page for the robot engineer to read before the controller moves a robot."""

# ruff: noqa: E501 (the page's own lines)

from assembly_rl.controllers import max_contact_stiffness
from assembly_rl.controllers.bundles import Manifest
from assembly_rl.controllers.bundles.manifest import ResponseNote
from assembly_rl.controllers.ceiling_config import CeilingConfig
from assembly_rl.controllers.validation import AXES


def ceiling(own: CeilingConfig) -> str:
    """Return what the page says of a force ceiling; empty without one."""
    if own.force is None:
        return ""
    moment = "" if own.moment is None else f" and a moment of {own.moment:g} Nm"
    stiffness, turn = own.stiffness
    return (
        f"\nIt commands nothing that could press harder than {own.force:g} N{moment}, for a contact and a robot of at most\n"
        f"{stiffness:g} N/m and {turn:g} Nm/rad in series, with contacts up to {1e3 * own.lever:g} mm from the tip, on a robot that\n"
        f"follows a reversed command after {1e3 * (own.stopping_time or 0.0):g} ms, with readings that are right within {own.tare_error[0]:g} N.\n"
        "**These values are of the simulated robot unless they were stated: state those of yours (`task.ceiling`).**\n"
    )


def page(manifest: Manifest, digest: str, onnx: str, atc: str) -> str:
    """Return the text of README.md of an export.

    Args:
        manifest: Manifest of the bundle.
        digest: SHA-256 of the bundle (hex).
        onnx: Result of the comparison with onnxruntime, in words.
        atc: Command line of the converter for Ascend.
    """
    own, config, part = manifest.provenance, manifest.insertion, manifest.part
    limits, admittance, path = config.limits, config.admittance, config.path
    found = own["evaluation"]
    low, high = found["interval"]
    checked, six = ResponseNote(**found["response"]), " | ".join(AXES)
    trained = "is unknown" if manifest.response is None else f"was {manifest.response.words()}"
    stiffest = max_contact_stiffness(
        manifest.law.law(),
        config.control_rate,
        delay=manifest.sensor.delay + checked.delay[1],
        lag=checked.lag[1],
        sensor_cutoff=manifest.sensor.cutoff,
        lead=0.0,
        cutoff=admittance.cutoff,
        discretization=admittance.discretization,
        selected_axes=admittance.selected_axes,
    )
    notes = "".join(f"\n- {note}." for note in found["notes"])
    notes = f"\n{notes[1:]}\n" if notes else ""
    symmetry = config.symmetry
    axes = (
        ""
        if symmetry.after is None
        else (
            f" From {symmetry.after:g} s on it shows the policy an insertion in turned or reflected axes, others\n"
            f"every {symmetry.every:g} s (`SymmetryConfig`), and turns its actions back."
        )
    )
    guidance = config.base.guidance
    if guidance is not None:
        axes += (
            f" It adds the policy's action to that of the hand-written controller `{guidance}`\n"
            "(`GuidanceConfig`), and cuts the sum to [-1, 1]."
        )
    held = ceiling(config.ceiling)
    law = [
        f"| {name} [{units}] | {' | '.join(f'{matrix[k][k]:g}' for k in range(6))} |"
        for name, units, matrix in (
            ("M", "kg, kg m2", manifest.law.mass),
            ("D", "Ns/m, Nms/rad", manifest.law.damping),
            ("K", "N/m, Nm/rad", manifest.law.stiffness),
        )
    ]
    return f"""# {manifest.name}

A controller that inserts the part {part.label}, clearance {1e3 * part.clearance:g} mm, chamfer {1e3 * part.chamfer:g} mm,
{1e3 * part.hole_depth:g} mm deep. It was trained in simulation ({own["algorithm"]}, {own["steps"]} policy steps, seed
{own["seed"]}) and succeeded there in {found["successes"]} of {found["episodes"]} insertions that it had not seen
(95 % interval {100 * low:.0f} to {100 * high:.0f} %; robot with {checked.words()}). **It has not touched a robot yet: begin slowly, with a soft
environment and a hand on the emergency stop.**

```python
from assembly_rl.controllers import load_bundle

controller = load_bundle("{manifest.name}.bundle")
controller.reset(hole, pose, free_readings, rate={config.control_rate:g})  # at controller.start above the hole
while running:  # {config.control_rate:g} times a second
    command = controller.step(wrench, pose, time)
    robot.move_to(command.position, command.orientation)
```

Needs Python 3.11 to 3.13, numpy and safetensors; neither torch nor PyBullet. SHA-256 {digest}.

Programs that are ready, with `--help`; the first one needs no robot:

```
python -m assembly_rl.examples.run_simulated {manifest.name}.bundle
python -m assembly_rl.examples.run_ur {manifest.name}.bundle ADDRESS --hole X Y Z QX QY QZ QW
python -m assembly_rl.examples.run_ros2 --ros-args -p bundle:={manifest.name}.bundle ...
```

## Frames and signs

| | |
| --- | --- |
| wrench | {manifest.conventions["wrench"]}, in the flange's axes. If yours pushes back with the other sign, negate it |
| pose, command | T_base_flange, position [m] and quaternion x y z w |
| hole | T_base_nominal: origin at the centre of the hole's mouth as you know it, z out of the hole |
| flange | the root of the peg, which points along its **-z**; a robot's own flange has z *towards* the tool: set the robot's TCP, or a static frame, to this one |
| tip (compliance centre) | {_metres(manifest.tool.centre)} from the flange, in its axes |
| start | the tip {1e3 * path.start_height:g} mm above the mouth, peg along -z of the hole, at rest, in free space |
| tool on the sensor | {manifest.tool.mass:g} kg at {_metres(manifest.tool.centre_of_mass)}; gravity in the base frame {manifest.gravity} m/s2 |

If the tool's weight is 0 here and yours is not, either let your sensor compensate it or export again with `tool_mass`
and `centre_of_mass`.

## Rates

| | |
| --- | --- |
| `step` | {config.control_rate:g} Hz; another rate ends the insertion with `wrong_rate` |
| policy, inside | {config.policy_rate:g} Hz |
| sensor's own filter in training | {manifest.sensor.cutoff:g} Hz, delay {1e3 * manifest.sensor.delay:g} ms: yours should not be slower |
| the robot's own response, from command to motion | in training it {trained}: measure yours before the first contact; a robot that is slower can chatter |
| oldest usable reading | {1e3 * admittance.safety.max_age:g} ms, where `step` is given a stamp |
{notes}
## Limits

| | {six} |
| --- | --- | --- | --- | --- | --- | --- |
| offset from the path [m, rad] | {_row(admittance.offset_limit)} |
| speed of the offset [m/s, rad/s] | {_row(admittance.speed_limit)} |
| wrench that the law may be asked for [N, Nm] | {_row(admittance.reference_limit)} |

An insertion ends with `force_limit` above {limits.force:g} N, `moment_limit` above {limits.moment:g} Nm, `workspace`
beyond {1e3 * limits.lateral:g} mm or {limits.angle:g} rad from the hole's axis, `timeout` after {limits.time:g} s,
`fault` after {admittance.safety.stop:g} s without usable readings; `success` when the tip is
{1e3 * limits.goal_margin:g} mm above the bottom. The command then stands still until `reset`. Path speed
{1e3 * path.speed:g} mm/s.
{held}
## Compliance law at the tip (diagonal; all of it is in the bundle)

| | {six} |
| --- | --- | --- | --- | --- | --- | --- |
{chr(10).join(law)}
| stiffest stable contact [N/m, Nm/rad] | {_row([float(f"{value:.2g}") for value in stiffest.tolist()])} |

The last row is that of contact along one axis alone, robot, tool and part in series, for a robot with lag
{1e3 * checked.lag[1]:g} ms and delay {1e3 * checked.delay[1]:g} ms that moves to its command linearly. Export with
`lag=` and `delay=` [s] for yours, and with `compliance.damping=` where it is stiffer.

## Policy alone

`policy.onnx`: batch of one, physical quantities in, action in [-1, 1] out, normalisation inside; {onnx}. The
controller around it is not in this file.{axes} For Ascend (CANN):

```
{atc}
```
"""


def _row(values: list[float]) -> str:
    return " | ".join(f"{value:g}" for value in values)


def _metres(values: list[float]) -> str:
    return f"({', '.join(f'{value:g}' for value in values)}) m"
