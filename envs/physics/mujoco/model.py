"""MuJoCo model of plate, tool and servo.

The tool has three slides and a ball joint at the flange, so that its coordinates are those of the flange. The
servo is part of the model: actuators follow a target that moves at constant speed, with its pose as their
activation and its speed as their control.

- Three actuators drive the slides with ``K (a - p) - D v``. Their activation contains the feed-forward of the
  speed: ``a = p_t + D / K v_t``.
- One actuator turns the tool. To have its torque in the axes of the world, it turns the site ``world`` as
  seen from the site ``flange``, and its torque on the tool is the negative one. When a motion begins, the
  orientation of ``flange`` on the tool is set to the inverse of the target's, and the activation is zero; it
  is the negative of the target's rotation since then. The feed-forward ``D_r w_t`` is an external torque.

Sensors keep the actuators' forces of the last ``RECORD`` physics steps.
"""

from typing import Any

from assembly_rl.envs.geometry import ConvexPart, PegHole, hole_parts, peg_parts
from assembly_rl.envs.physics.config import PhysicsConfig
from assembly_rl.envs.physics.mujoco.library import import_mujoco

RECORD = 10
"""Physics steps whose forces are kept."""

FLANGE = 1
"""Number of the site ``flange``."""

YIELD = 2e-4
"""Softness of a contact [s]: it yields with ``YIELD`` times the acceleration that its force would give.

Without it, MuJoCo's model of friction lifts a sliding contact off in every step, and the peg chatters.
"""

CORRECTION = 0.8
"""Share of a penetration that a contact corrects in a physics step; it stops the approach in one step."""

MODEL = """
<mujoco>
  <option timestep="{step}" gravity="0 0 0" integrator="Euler" solver="Newton" jacobian="dense"
      iterations="{iterations}" tolerance="1e-10" cone="elliptic" impratio="100" ccd_tolerance="1e-9">
    <flag autoreset="disable" island="disable"/>
  </option>
  <default>
    <geom type="mesh" mass="0" condim="3" solref="{solref}" solimp="{impedance} {impedance}"/>
    <general dyntype="integrator" actearly="true"/>
  </default>
  <worldbody>
    <site name="world"/>
    <body name="tool">
      <inertial pos="0 0 0" mass="{mass}" diaginertia="{inertia} {inertia} {inertia}"/>
      <joint name="x" type="slide" axis="1 0 0"/>
      <joint name="y" type="slide" axis="0 1 0"/>
      <joint name="z" type="slide" axis="0 0 1"/>
      <joint name="rotation" type="ball"/>
      <!-- Any orientation: with that of the body, MuJoCo would not read it again. -->
      <site name="flange" quat="0.6 0.8 0 0"/>
    </body>
    <body name="plate"/>  <!-- after the tool: contacts with several points have the normal of the second -->
  </worldbody>
  <actuator>
    <general name="x" joint="x" gainprm="{stiffness}" biastype="affine" biasprm="0 -{stiffness} -{damping}"/>
    <general name="y" joint="y" gainprm="{stiffness}" biastype="affine" biasprm="0 -{stiffness} -{damping}"/>
    <general name="z" joint="z" gainprm="{stiffness}" biastype="affine" biasprm="0 -{stiffness} -{damping}"/>
    <general name="rotation" site="world" refsite="flange" gaintype="so3" gainprm="{turning_stiffness}"
        biastype="so3" biasprm="0 -{turning_stiffness} -{turning_damping}"/>
  </actuator>
  <sensor>
    <actuatorfrc actuator="x" nsample="{record}"/>
    <actuatorfrc actuator="y" nsample="{record}"/>
    <actuatorfrc actuator="z" nsample="{record}"/>
    <actuatorfrc actuator="rotation" nsample="{record}"/>
  </sensor>
</mujoco>
"""


def model_text(config: PhysicsConfig, rate: float) -> str:
    """Return the model without the convex parts of peg and plate, as MJCF.

    A contact with penetration r and speed v of approach has the acceleration ``d (b v + k r) + (1 - d) a``
    away from the plate, where a is that without the contact's force; ``b = 1 / step``,
    ``k = CORRECTION / step^2`` and ``d = 1 / (1 + YIELD / step)``.

    Args:
        config: Servo and solver.
        rate: Physics steps per second [Hz].
    """
    damping, turning_damping = config.servo_damping
    impedance = 1.0 / (1.0 + YIELD * rate)
    return MODEL.format(
        step=1.0 / rate,
        iterations=round(config.solver_iterations),
        solref=f"{-CORRECTION * impedance * rate * rate} {-impedance * rate}",
        impedance=impedance,
        mass=config.tool_mass,
        inertia=config.tool_inertia,
        stiffness=config.servo_stiffness,
        damping=damping,
        turning_stiffness=config.servo_rotational_stiffness,
        turning_damping=turning_damping,
        record=RECORD,
    )


def make_model(part: PegHole, config: PhysicsConfig, rate: float) -> Any:
    """Create the ``mujoco.MjModel`` of a part.

    Args:
        part: Geometry of peg and hole.
        config: Servo and solver.
        rate: Physics steps per second [Hz].

    Raises:
        ValueError: MuJoCo is not installed.
    """
    mujoco = import_mujoco()
    spec = mujoco.MjSpec.from_string(model_text(config, rate))
    hull = mujoco.mjtMeshInertia.mjMESH_INERTIA_CONVEX

    def add(body: Any, name: str, piece: ConvexPart, height: float, side: int) -> None:
        vertices = piece.vertices + [0.0, 0.0, height]
        spec.add_mesh(name=name, uservert=vertices.ravel().tolist(), inertia=hull)
        body.add_geom(meshname=name, contype=side, conaffinity=1 - side)  # peg against plate, nothing else

    for number, piece in enumerate(hole_parts(part)):
        add(spec.body("plate"), f"hole_{number}", piece, 0.0, 0)
    for number, piece in enumerate(peg_parts(part)):
        add(spec.body("tool"), f"peg_{number}", piece, -part.peg_length, 1)
    return spec.compile()
