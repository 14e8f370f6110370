"""Peg-in-hole environment."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from math import hypot
from multiprocessing import parent_process
from typing import Any
from warnings import warn

import gymnasium
import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.compliance import ComplianceLaw
from assembly_rl.controllers.contact_loop import ContactLoop
from assembly_rl.controllers.faults import Fault
from assembly_rl.controllers.insertion import Insertion, Result
from assembly_rl.controllers.se3 import (
    IDENTITY,
    compose,
    move_moment,
    quat_log,
    rotate,
    rotate_back,
    rotation_matrix,
)
from assembly_rl.controllers.sums import added
from assembly_rl.controllers.validation import InputError, InputWarning
from assembly_rl.controllers.wrench import ToolConfig, Wrench
from assembly_rl.envs.config import TaskConfig
from assembly_rl.envs.geometry import PegHole
from assembly_rl.envs.library import Part, Task, make_part_and_task
from assembly_rl.envs.physics import SupportsContacts, World
from assembly_rl.envs.privileged import PRIVILEGED_SYMMETRIES, privileged_state
from assembly_rl.envs.scene import Scene
from assembly_rl.envs.simulation import SimulatedRobot
from assembly_rl.envs.task import TASKS
from assembly_rl.envs.telemetry import Telemetry


class PegInHoleEnv(gymnasium.Env[NDArray[np.float32], NDArray[np.float32]]):
    """Environment for the insertion of a peg into a tight hole by means of an admittance controller.

    A position-controlled robot (a 6-D spring servo of finite stiffness) holds the peg; with
    ``task.robot.model="iiwa"`` the spring is attached to an arm whose joints follow the command. The robot
    lags behind its commands: by a delay and a first-order lag, drawn per episode, and within limits of speed
    and acceleration if ``task.robot.response`` has some. An admittance controller converts the measured
    wrench into a pose offset from a nominal path, which runs straight down the *estimated* hole axis. The
    error of the estimate is up to a millimetre and a degree or two, ten times the clearance. The agent acts
    on the controller at the policy rate.

    Physics engine, robot, observation groups and task are chosen by name (``task.physics.engine``,
    ``task.robot.model``, ``task.observation.groups``, ``task.name``); other packages may register their own:
    see ``World``, ``Robot``, ``ObservationTerm`` and ``Task``. The physics run at ``task.physics.rate``, or
    with None at the rate of the engine.

    ## Frames
    - ``hole`` (world): origin at the centre of the true hole's mouth, z out of the hole.
    - ``nominal``: the estimated hole frame. Path, offset, wrench, observation and action are in its axes.
    - ``tip``: on the peg, origin at the centre of its end face. It is the compliance centre: wrenches are
      those that the environment applies to the tool, force then moment, about the tip.
    - ``flange``: ``part.peg_length`` above the tip, location of the wrench sensor, in the tool's axes.

    ## Observation
    ``Box`` of float32, the configured groups in order; default ``wrench``, ``pose``,
    ``last_action``, ``wrench_history`` (42):

    | components | meaning | unit of 1.0 (default) | range |
    | --- | --- | --- | --- |
    | fx fy fz | mean force over the last policy step, ``3 tanh(w / (3 scale))`` | 5, 5, 10 N | +-3 |
    | mx my mz | mean moment about the tip, likewise | 0.1, 0.1, 0.05 Nm | +-3 |
    | x y z | tip position in the nominal frame | 1, 1, 10 mm | +-5 |
    | rx ry rz | rotation vector of the tip in the nominal frame | 0.0262 rad (1.5 deg) | +-5 |
    | last_action_* | previous action, with its dither | 1 | +-1 |
    | base_action_* (group ``base_action``) | action of ``task.base`` for this observation | 1 | +-1 |
    | velocity_* (group ``twist``) | twist of the tip | 10 mm/s, 0.1 rad/s | +-5 |
    | fx[t-1] ... (``wrench_history``) | wrenches of previous policy steps | as fx ... | +-3 |
    | x[t-2] ... (``pose_history``) | poses ``observation.pose_ages`` policy steps ago | as x ... | +-5 |
    | visits_0_0 ... (group ``visits``) | map of where the tip has pressed, 5 by 5 cells | 1 | 0 to 1 |
    | time (group ``time``) | time since the start | 5 s | +-5 |
    | second_fx#1 ... (``second_wrench``) | fx ... with noise (std 0.3) | as fx ... | +-3 |
    | second_x#1 ... (``second_pose``) | x ... with noise (std 0.3) | as x ... | +-5 |
    | joint_position_1 ... (``telemetry``) | 177 channels of a robot controller | ``TelemetryTerm`` | +-5 |

    ## Action
    ``Box(-1, 1, (6,))``, x y z rx ry rz, by ``task.action.kind``: ``wrench`` (default; the tool applies up to
    12, 12, 8 N and 0.5 Nm), ``twist``, ``damping`` or ``stiffness``; see ``ActionMapping``. To a wrench or a
    twist a dither of ``task.action.dither`` is added, the same in every episode; see ``Dither``.

    From ``task.symmetry.after`` on the axes of observation and action are turned by 90 degrees about z or
    reflected, others every ``task.symmetry.every``; see ``SymmetryConfig``.

    With ``task.base.guidance`` an action is added to that of a hand-written controller, and the sum is cut to
    [-1, 1] (residual reinforcement learning); see ``GuidanceConfig``.

    With ``task.supervisor.attempts`` above 1 a supervisor acts in place of the agent in some phases, and
    begins further attempts after a jam or near a limit; see ``Supervisor``.

    With ``task.ceiling.force`` the controller commands nothing that could lead to a larger contact force, and
    flags what it holds back with ``FORCE_CEILING``; see ``CeilingConfig``. What it has to know of the robot
    and is not stated is that of the simulated one.

    With ``task.coordinates`` observation and action, but not info, are in the coordinates of another part;
    see ``CoordinateTransform``.

    ## Reward
    It is the sum of the terms in ``info["reward_terms"]``; see ``RewardConfig``.

    ## Episode
    It starts with the tip above the estimated mouth, at rest, and draws hole estimate, friction, sensor bias
    and the other conditions in ``task.randomization``, and lag, delay and limits within the ranges of
    ``task.robot.response``; none of these is observed. A response of single values draws nothing: all other
    conditions of a seed are then the same. It ends with a ``Result``: ``success`` (tip within
    ``limits.goal_margin`` of the bottom), ``force_limit``, ``moment_limit``, ``workspace``, ``joint_limit``
    (of an arm; all terminated), ``timeout`` (truncated), or ``certificate_failed``: the simulated contact
    penetrated by more than a third of the clearance, so that the episode is not representative of the real
    fit and is a failure.

    ## Info
    | key | value |
    | --- | --- |
    | wrench, pose | (6,) in physical units, as observed |
    | time | since the start of the episode [s] |
    | depth, lateral, angle | true progress, [m], [m], [rad] |
    | force, moment | magnitude at each control step of this policy step [N], [Nm] |
    | faults | ``controllers.Fault`` flags raised in this policy step |
    | reward_terms | term -> value |
    | phase, attempts | with ``task.supervisor`` only: ``Phase`` of this step, and list of ended ``Attempt`` |
    | is_success, result | at the end only: bool, value of ``Result`` |
    | certificate | at the end only: penetration [m], bound [m], valid, physics_hash |

    ## Control steps
    ``watch`` is None, or a function that is called after each control step with the measured wrench (6,)
    [N, Nm], the measured pose of the tip (6,) [m, rad] and the commanded one, all in nominal axes, such as
    ``ContactRecognizer.update``. It is no part of a copy.

    ## Determinism
    An episode is a bit-exact function of the random state at its reset and of its actions, in any process and
    after any other episode. ``get_state`` and ``set_state`` use this.

    ## Copies
    Part and task are copied: to change them afterwards has no effect, and ``part`` and ``task`` give copies.
    An environment can be copied (``copy``, ``deepcopy``) and pickled: the copy has a physics engine of its
    own, in which it repeats the episode, and takes the same steps from there.

    Args:
        part: Name of a part as for ``geometry=`` on the command line (``"square"``, ``"L"``), path of a part
            file (YAML, DXF, SVG), ``PegHole``, ``GeometryConfig`` or mapping of ``PegHole``'s fields; by
            default a square.
        task: Name of a task as for ``task=`` on the command line (``"default"``, ``"hard"``), ``TaskConfig``
            or (nested) mapping of its fields. A name sets the chamfer, too, of a part by name or by default,
            and of a file or a mapping without one: ``"hard"`` has none.
        render_mode: ``"human"``, ``"rgb_array"`` or None. ``human`` shows the episodes in the window of the
            engine, 50 times a second and at most at real time; once somebody closes it, the episodes go on
            without it. A copy has no window. ``rgb_array`` makes ``render`` return a picture.
            ``metadata["render_modes"]`` of an environment has what its engine supports.

    Raises:
        ValueError: Part or task is refused, or there is no display for ``human``; the message names the value
            and says what to do.

    Warns:
        InputWarning: The law is unstable in contact at the largest lag and delay of ``task.robot.response``;
            the message has the stable stiffness and a damping that holds. Not in worker processes.

    Version history: v0, initial version.
    """

    metadata = {"render_modes": ["human", "rgb_array"], "render_fps": 20}

    def __init__(
        self,
        part: Part | None = None,
        task: Task | None = None,
        render_mode: str | None = None,
    ) -> None:
        before = set(vars(self))
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise InputError(f"render_mode must be None, 'human' or 'rgb_array', got {render_mode!r}")
        self.render_mode = render_mode
        self.watch: Callable[[Wrench, NDArray[np.float64], NDArray[np.float64]], object] | None = None
        self._part, self._task = part, task = make_part_and_task(part, task)
        self.metadata = deepcopy(self.metadata) | {"render_fps": task.policy_rate}
        self._control_steps = task.control_steps()
        self._objective = TASKS.get(task.name)(deepcopy(part), deepcopy(task))
        self._robot = SimulatedRobot(part, task, render_mode == "rgb_array", render_mode == "human")
        self.metadata["render_modes"] = self._robot.render_modes
        self._ceiling = task.ceiling.force is not None
        self._law = task.law()
        self._insertion = Insertion(
            replace(task, ceiling=task.known_ceiling()),
            self._scaled_law(task.randomization.gains[0]),  # the lowest damping has to be stable, too
            ToolConfig(centre=[0.0, 0.0, -part.peg_length]),  # weightless: there is no gravity
            contact=task.stiffest_contact() if task.compliance.check_contact else None,
        )
        if task.compliance.check_contact and parent_process() is None:  # once, not in every worker
            self._warn_of_lag()
        observer = self._insertion.observer
        published = "telemetry" in observer.inputs
        self._telemetry = Telemetry(task.telemetry, 1.0 / task.policy_rate) if published else None
        self.observation_names = observer.names
        self.observation_space = gymnasium.spaces.Box(-observer.bounds, observer.bounds)
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (6,), np.float32)
        self._forget_episode()
        self._own = frozenset(name for name in set(vars(self)) - before if name.startswith("_"))

    def _forget_episode(self) -> None:
        self._episode_rng: dict[str, Any] | None = None  # random state at the episode's reset
        self._actions: list[list[float]] = []
        self._result: Result | None = None
        self._step_count = 0
        self._peak_force = 0.0
        self._wrench: Wrench = (0.0,) * 6
        self._force: list[float] = []
        self._moment: list[float] = []
        self._faults = Fault.NONE

    @property
    def part(self) -> PegHole:
        """Copy of the part."""
        return deepcopy(self._part)

    @property
    def task(self) -> TaskConfig:
        """Copy of the task."""
        return deepcopy(self._task)

    def _scaled_law(self, factor: float) -> ComplianceLaw:
        """Return the task's law with its damping multiplied by a factor."""
        return replace(self._law, damping=self._law.damping * factor)

    def _warn_of_lag(self) -> None:
        """Warn if the law, with its lowest damping, is unstable at the robot's largest lag and delay."""
        task = self._task
        own, law = task.admittance, self._scaled_law(task.randomization.gains[0])
        details = own.cutoff, own.discretization, own.selected_axes
        try:
            advice = ContactLoop(law, task.control_rate, task.slowest_contact(), *details).advice()
        except InputError as error:  # a delay beyond what the check can do
            advice = str(error)
        if advice:
            warn(f"task.robot.response: {advice}", InputWarning, stacklevel=3)

    @property
    def _world(self) -> World:
        return self._robot.world

    # ------------------------------------------------------------------ episode

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Start an episode; ``options`` is not used."""
        super().reset(seed=seed)
        self._forget_episode()
        self._episode_rng = deepcopy(dict(self.np_random.bit_generator.state))
        if self._telemetry is not None:
            self._telemetry.reset(self.np_random)
        nominal = self._robot.draw(self.np_random)
        self._conditions = conditions = self._robot.conditions
        if len(self._robot.free_readings):
            self._insertion.contact_wrench.tare(self._robot.free_readings, conditions.start_rotation)
        start = conditions.start_offset
        self._robot.place(self._insertion.reset(nominal, start, self._scaled_law(conditions.gains)))
        self._measure_pose()
        return self._observe(np.zeros(6)), self._info(np.zeros(6))

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Run the controller for one policy period.

        Raises:
            ValueError: The action is not six finite numbers.
        """
        if self._episode_rng is None or self._result is not None:
            why = f"the episode ended with {self._result.value!r}" if self._result else "no episode has begun"
            raise gymnasium.error.ResetNeeded(f"{why}: call reset()")
        values = np.asarray(action, dtype=np.float64)
        if values.shape != (6,) or not np.isfinite(values).all():
            raise InputError(f"action must be six finite numbers in [-1, 1], got {action!r}")
        self._actions.append(values.tolist())
        values = np.clip(values, -1.0, 1.0)
        self._insertion.apply(values)
        before = self._progress
        readings = []
        self._force, self._moment = [], []
        self._faults = Fault.NONE
        for _ in range(self._control_steps):
            self._control_step()
            readings.append(self._wrench)
            if self._result is not None:
                break
        wrench = np.array([added(axis) / len(readings) for axis in zip(*readings, strict=True)])
        self._step_count += 1
        self._measure_pose()
        self._world.measure_penetration()
        self._result = self._end_of_step()
        terms = self._objective.reward_terms(before, self._progress, self._force, self._result)
        info = self._info(wrench)
        info["force"] = np.array(self._force)
        info["moment"] = np.array(self._moment)
        info["faults"] = self._faults
        info["reward_terms"] = dict(terms)
        truncated = self._result is Result.timeout
        terminated = self._result is not None and not truncated
        return self._observe(wrench), added(terms.values()), terminated, truncated, info

    def _control_step(self) -> None:
        command, faults = self._insertion.step(
            self._wrench, pose=self._world.pose() if self._ceiling else None
        )
        if faults:
            self._faults |= faults
        self._robot.move(command)
        self._wrench = self._insertion.measure(self._robot.reading, self._world.pose()[1])
        force = hypot(*self._wrench[:3])
        self._force.append(force)
        self._moment.append(hypot(*self._wrench[3:]))
        if force > self._peak_force:  # penetration is largest at the largest force
            self._peak_force = force
            self._world.measure_penetration()
        if self.watch is not None:
            self.watch(
                self._wrench, self._insertion.pose(*self._world.pose())[0], self._insertion.pose(*command)[0]
            )
        self._result = self._objective.result_of_wrench(self._wrench, self._robot.joint_limit)

    def _measure_pose(self) -> None:
        """Update the tip pose in the nominal frame and the true progress."""
        position, orientation = self._world.pose()
        self._pose, tip = self._insertion.pose(position, orientation)
        self._progress = self._objective.progress(tip, orientation)

    def _end_of_step(self) -> Result | None:
        """Return the result of the policy step; a failed certificate overrides all others."""
        if self._world.penetration > self._world.penetration_bound:
            return Result.certificate_failed
        if self._result is not None:
            return self._result
        return self._objective.result_of_pose(self._pose, self._progress, self._step_count)

    def _observe(self, wrench: NDArray[np.float64]) -> NDArray[np.float32]:
        needed = "twist" in self._insertion.observer.inputs or self._telemetry is not None
        twist = self._tip_twist() if needed else np.zeros(6)
        if self._telemetry is None:
            return self._insertion.observe(wrench, self._pose, twist, self.np_random)
        telemetry = self._telemetry.read(wrench, self._pose, twist)
        return self._insertion.observe(wrench, self._pose, twist, self.np_random, telemetry)

    def privileged_state(self) -> NDArray[np.float64]:
        """Return what only the simulator knows (27,), for the critics of a learner; see ``PRIVILEGED_NAMES``.

        Its first six components are the true pose of the tip in the hole, in the scale of the observed one;
        with ``task.symmetry.after`` all are in the axes of the latest observation.
        """
        position, orientation = self._world.pose()
        _, tip = self._insertion.pose(position, orientation)
        pose = np.array((*tip, *quat_log(orientation)))
        state = privileged_state(pose, self._task.observation.pose_scale, self._conditions, self._part)
        return PRIVILEGED_SYMMETRIES[self._insertion.view](state)

    def scene(self) -> Scene:
        """Return poses and contacts of the present step.

        Raises:
            ResetNeeded: No episode has begun.
        """
        if self._episode_rng is None:
            raise gymnasium.error.ResetNeeded("no episode has begun: call reset()")
        own = self._conditions
        contacts = (
            self._world.contact_points() if isinstance(self._world, SupportsContacts) else np.zeros((0, 3))
        )
        return Scene(
            tip=compose(self._world.pose(), ((0.0, 0.0, -self._part.peg_length), IDENTITY)),
            nominal=(own.estimate_position, own.estimate_rotation),
            contacts=contacts,
        )

    def _tip_twist(self) -> NDArray[np.float64]:
        """Return the twist of the tip in nominal axes [m/s, rad/s]."""
        linear, angular = self._world.twist()
        tool = rotation_matrix(self._world.pose()[1])
        nominal = rotation_matrix(self._conditions.estimate_rotation)
        # A twist is transformed as a wrench, with (angular, linear) in place of (force, moment).
        to_flange = rotate(tool, (0.0, 0.0, self._part.peg_length))
        tip = move_moment(angular, linear, to_flange)
        return np.array((*rotate_back(nominal, tip), *rotate_back(nominal, angular)))

    def _info(self, wrench: NDArray[np.float64]) -> dict[str, Any]:
        info: dict[str, Any] = {
            "wrench": wrench,
            "pose": self._pose.copy(),
            "time": self._step_count / self._task.policy_rate,
            "depth": self._progress.depth,
            "lateral": self._progress.lateral,
            "angle": self._progress.angle,
        }
        if (supervisor := self._insertion.supervisor) is not None:
            info["phase"] = supervisor.phase.value
            info["attempts"] = list(supervisor.attempts)
        if self._result is not None:
            world = self._world
            info["is_success"] = self._result is Result.success
            info["result"] = self._result.value
            info["certificate"] = {
                "penetration": world.penetration,
                "bound": world.penetration_bound,
                "valid": world.penetration <= world.penetration_bound,
                "physics_hash": self._robot.physics_hash,
            }
        return info

    # ------------------------------------------------------------------ state

    def get_state(self) -> dict[str, Any]:
        """Return the state in types of JSON: the random state at the episode's start, and later actions."""
        return {
            "rng": deepcopy(self.np_random.bit_generator.state),
            "episode_rng": deepcopy(self._episode_rng),
            "actions": deepcopy(self._actions),
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Restore a state exactly by running its episode again.

        Args:
            state: State from ``get_state`` of an environment with the same part and task.

        Raises:
            ValueError: The mapping is no such state.
        """
        for name in ("rng", "episode_rng", "actions"):
            if not isinstance(state, Mapping) or name not in state:
                raise InputError(f"a state of the environment has {name!r}, got {state!r:.80}")
        self._forget_episode()
        if state["episode_rng"] is not None:
            self._set_random_state("episode_rng", state)
            self.reset()
            for action in state["actions"]:
                self.step(np.array(action))
        self._set_random_state("rng", state)

    def _set_random_state(self, name: str, state: Mapping[str, Any]) -> None:
        try:
            self.np_random.bit_generator.state = state[name]
        except (TypeError, ValueError, KeyError, OverflowError) as error:
            raise InputError(f"{name!r} of the state is not that of a random generator: {error}") from None

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy needs: arguments, episode, and attributes that the class does not make."""
        own = self._own | {"_np_random", "watch"}
        attributes = {name: value for name, value in vars(self).items() if name not in own}
        spaces = {"action_space": self.action_space, "observation_space": self.observation_space}
        attributes["render_mode"] = mode = None if self.render_mode == "human" else self.render_mode
        return {
            "arguments": (self._part, self._task, mode),
            "episode": self.get_state(),
            "attributes": attributes | deepcopy(spaces),  # also for a shallow copy: spaces draw samples
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        PegInHoleEnv.__init__(self, *state["arguments"])
        self.set_state(state["episode"])
        vars(self).update(state["attributes"])

    # ------------------------------------------------------------------ pictures

    def render(self) -> NDArray[np.uint8] | None:
        """Return a picture of cut plate, tool and arm, (480, 640, 3) uint8; None unless in ``rgb_array``."""
        if self.render_mode != "rgb_array":
            return None
        return self._robot.picture()

    def close(self) -> None:
        """Free the engine's resources."""
        self._robot.close()
