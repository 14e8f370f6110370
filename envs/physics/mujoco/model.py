"""MuJoCo model of plate, tool and servo.

The tool has three slides and a ball joint at the flange, so that its state is the flange's pose and velocity.
The servo consists of actuators with the target as their activation, which moves at the speed in ``ctrl``:

- Three actuators drive the slides: ``K (a - p) - D v``. The feed-forward ``D v_t`` is part of the activation,
  ``a = p_t + D / K v_t``.
- One actuator turns the tool. It works on the orientation of the site ``WORLD`` as seen from the site
  ``FLANGE``, so that its torque is in the axes of the world. The orientation of ``FLANGE`` on the tool is the
  inverse of the target's at the start of a period, and the activation the negative of its rotation since then.
  The torque on the tool is the negative of the actuator's. The feed-forward ``D_r w_t`` is applied outside.

Sensors with a history of ``HISTORY`` samples record the forces of each physics step.
"""

from math import sqrt
from typing import Any

from assembly_rl.envs.geometry import ConvexPart, PegHole, hole_parts, peg_parts
from assembly_rl.envs.physics.config import PhysicsConfig
from assembly_rl.envs.physics.mujoco.library import import_mujoco

OPTIONS = {
    "integrator": "mjINT_EULER",  # explicit in the servo's damping, as the servo is defined
    "cone": "mjCONE_ELLIPTIC",
    "jacobian": "mjJAC_DENSE",
    "solver": "mjSOL_NEWTON",
    "impratio": 10.0,
    "tolerance": 1e-10,
    "ls_iterations": 50,
    "ccd_iterations": 50,
    "ccd_tolerance": 1e-9,
    "gravity": [0.0, 0.0, 0.0],
}
DISABLED = ["AUTORESET", "CLAMPCTRL", "DAMPER", "EULERDAMP", "GRAVITY", "LIMIT", "REFSAFE", "SPRING"]
CONTACT = {
    "condim": 3,
    "solimp": [0.99, 0.99, 0.001, 0.5, 2.0],
    "margin": 0.0,
    "gap": 0.0,
}
CONTACT_STEPS = 2.0
"""Time constant of a contact in physics steps."""
HISTORY = 16
"""Physics steps whose forces are recorded."""
WORLD, FLANGE = 0, 1
"""Sites of the rotational servo."""
AXES = ("x", "y", "z")


def damping(config: PhysicsConfig) -> tuple[float, float]:
    """Return the translational [N s/m] and the rotational damping [Nm s/rad] of the servo."""
    ratio = 2.0 * config.servo_damping_ratio
    return (
        ratio * sqrt(config.servo_stiffness * config.tool_mass),
        ratio * sqrt(config.servo_rotational_stiffness * config.tool_inertia),
    )


def settings(config: PhysicsConfig, rate: float) -> dict[str, Any]:
    """Return all settings of solver and contacts in types of JSON."""
    contact = CONTACT | {"solref": [CONTACT_STEPS / rate, 1.0]}
    options = OPTIONS | {"timestep": 1.0 / rate, "iterations": round(config.solver_iterations)}
    return {"options": options, "disabled": DISABLED, "contact": contact}


def make_model(part: PegHole, config: PhysicsConfig, rate: float) -> Any:
    """Create the ``MjModel`` of a part.

    Args:
        part: Geometry of peg and hole.
        config: Servo and solver.
        rate: Physics steps per second [Hz].
    """
    mujoco = import_mujoco()
    spec = mujoco.MjSpec()
    chosen = settings(config, rate)
    for name, value in chosen["options"].items():
        setattr(spec.option, name, _constant(mujoco, value))
    spec.option.disableflags = sum(int(getattr(mujoco.mjtDisableBit, f"mjDSBL_{name}")) for name in DISABLED)
    tool = spec.worldbody.add_body(
        name="tool", mass=config.tool_mass, inertia=[config.tool_inertia] * 3, explicitinertial=True
    )
    for axis, name in enumerate(AXES):
        direction = [float(i == axis) for i in range(3)]
        tool.add_joint(name=name, type=mujoco.mjtJoint.mjJNT_SLIDE, axis=direction)
    tool.add_joint(name="rotation", type=mujoco.mjtJoint.mjJNT_BALL)
    for number, piece in enumerate(hole_parts(part)):
        _add_geom(mujoco, spec, spec.worldbody, f"hole_{number}", piece, 0.0, chosen["contact"])
    for number, piece in enumerate(peg_parts(part)):
        _add_geom(mujoco, spec, tool, f"peg_{number}", piece, -part.peg_length, chosen["contact"])
    _add_servo(mujoco, spec, tool, config)
    return spec.compile()


def _constant(mujoco: Any, value: Any) -> Any:
    """Value of an option; a constant of MuJoCo for its name."""
    if not isinstance(value, str):
        return value
    enums = (mujoco.mjtIntegrator, mujoco.mjtCone, mujoco.mjtJacobian, mujoco.mjtSolver)
    return next(getattr(enum, value) for enum in enums if hasattr(enum, value))


def _add_geom(
    mujoco: Any, spec: Any, body: Any, name: str, piece: ConvexPart, height: float, contact: dict[str, Any]
) -> None:
    """Add a convex part, raised by a height [m], to a body; peg and plate collide only with each other."""
    spec.add_mesh(
        name=name,
        uservert=(piece.vertices + [0.0, 0.0, height]).ravel().tolist(),
        inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_CONVEX,
    )
    plate = name.startswith("hole")
    body.add_geom(
        type=mujoco.mjtGeom.mjGEOM_MESH,
        meshname=name,
        mass=0.0,
        contype=int(plate),
        conaffinity=int(not plate),
        **contact,
    )


def _add_servo(mujoco: Any, spec: Any, tool: Any, config: PhysicsConfig) -> None:
    linear, angular = damping(config)
    spec.worldbody.add_site(name="world")
    tool.add_site(
        name="flange", quat=[0.6, 0.8, 0.0, 0.0]
    )  # any but the body's, or its quaternion is not read
    integrator = {"dyntype": mujoco.mjtDyn.mjDYN_INTEGRATOR, "actearly": True}
    for name in AXES:
        spec.add_actuator(
            name=name,
            trntype=mujoco.mjtTrn.mjTRN_JOINT,
            target=name,
            gaintype=mujoco.mjtGain.mjGAIN_FIXED,
            gainprm=_padded(config.servo_stiffness),
            biastype=mujoco.mjtBias.mjBIAS_AFFINE,
            biasprm=_padded(0.0, -config.servo_stiffness, -linear),
            **integrator,
        )
    spec.add_actuator(
        name="rotation",
        trntype=mujoco.mjtTrn.mjTRN_SITE,
        target="world",
        refsite="flange",
        gaintype=mujoco.mjtGain.mjGAIN_SO3,
        gainprm=_padded(config.servo_rotational_stiffness),
        biastype=mujoco.mjtBias.mjBIAS_SO3,
        biasprm=_padded(0.0, -config.servo_rotational_stiffness, -angular),
        **integrator,
    )
    for name in (*AXES, "rotation"):
        spec.add_sensor(
            name=name,
            type=mujoco.mjtSensor.mjSENS_ACTUATORFRC,
            objtype=mujoco.mjtObj.mjOBJ_ACTUATOR,
            objname=name,
            nsample=HISTORY,
        )


def _padded(*values: float) -> list[float]:
    """Parameters of an actuator."""
    return [*values, *[0.0] * (10 - len(values))]
