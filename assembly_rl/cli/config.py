"""Configuration of the commands."""

import itertools
import re
from dataclasses import dataclass, field, replace
from typing import Any

from assembly_rl.accelerators.processes import MOST_PROCESSES
from assembly_rl.controllers import bounds
from assembly_rl.controllers.design import DesignLimits, RobotLoop
from assembly_rl.controllers.validation import (
    InputError,
    finite_numbers,
    is_finite,
    require_count,
    require_not_negative,
    require_seed,
    require_text,
)
from assembly_rl.envs import TaskConfig
from assembly_rl.envs.geometry.config import GeometryConfig
from assembly_rl.envs.physics import ENGINES
from assembly_rl.evaluation import SequentialTest
from assembly_rl.evaluation.candidates import ControllerConfig
from assembly_rl.learners.config import AlgorithmConfig
from assembly_rl.planner.profile import Profile
from assembly_rl.reports.watching import require_target

MOST_EPISODES = 10**6
"""Largest number of episodes: the seeds from the held-out ones to those of the tuning."""


@dataclass
class EvalConfig:
    """Configuration of ``assembly-rl-eval``.

    Attributes:
        run: Folders of runs whose best policies are evaluated.
        controller: Name -> baseline controller.
        geometry, task: Conditions; by default those of the first run. If ``task.robot`` differs from the
            first run's, the two robots are compared.
        geometries: Names of geometries of the evaluation, instead of ``geometry``.
        clearance: Clearances [m]; by default the geometry's.
        friction: Coefficients of friction; by default the task's range.
        lag: Lags of the robot [s]; by default its range.
        delay: Delays of the robot [s]; by default its range.
        engine: Physics engines, compared episode by episode; by default the task's. Another engine than the
            task's has its own physics rate.
        episodes: Episodes of each cell.
        seed: Seed of the first episode.
        quick: Run few episodes, to try in seconds whether everything works.
        processes: Number of worker processes; by default one per core.
        output: CSV file for the rows; by default under runs/.
        watch: ``window`` shows the episodes in the engine's window, ``viewer`` in Rerun, and a file that ends
            in ``.rrd`` is for Rerun's viewer later. They run one after another then.
    """

    run: list[str] = field(default_factory=list)
    controller: dict[str, ControllerConfig] = field(default_factory=dict)
    geometry: GeometryConfig = field(default_factory=GeometryConfig)
    task: TaskConfig = field(default_factory=TaskConfig)
    geometries: list[str] = field(default_factory=list)
    clearance: list[float] = field(default_factory=list)
    friction: list[float] = field(default_factory=list)
    lag: list[float] = field(default_factory=list)
    delay: list[float] = field(default_factory=list)
    engine: list[str] = field(default_factory=list)
    episodes: int = 200
    seed: int = 2_000_000
    quick: bool = False
    processes: int | None = None
    output: str | None = None
    watch: str | None = None

    def __post_init__(self) -> None:
        require_count(self, "episodes", most=MOST_EPISODES)
        require_seed(self)
        require_target(self.watch)
        for name in ("clearance", "friction"):
            if not all(map(is_finite, getattr(self, name))):
                raise InputError(f"{name} must be finite numbers, got {getattr(self, name)}")
        for name in ("lag", "delay"):
            if not all(is_finite(value) and 0.0 <= value <= bounds.DELAY for value in getattr(self, name)):
                raise InputError(
                    f"{name} must be times from 0 to {bounds.DELAY:g} s, such as 0.03, "
                    f"got {getattr(self, name)}"
                )
        for engine in self.engine:
            ENGINES.get(engine)
        for name in ("geometries", "clearance", "friction", "lag", "delay", "engine"):
            values = getattr(self, name)
            if len(set(values)) < len(values):
                raise InputError(f"{name} has a value twice: {values}")
        require_text(self, "output")
        if self.processes is not None:
            require_count(self, "processes", most=MOST_PROCESSES)


@dataclass
class GraphConfig:
    """Configuration of ``assembly-rl-graph``.

    Attributes:
        run: Folder of a run with method=lcrl.
        episodes: Held-out episodes of each evaluation of the ablation; 0 for no ablation.
        reference: Number of states of the reference estimate from simulator branches; 0 for none.
        processes: Number of worker processes; by default one per core.
    """

    run: str = ""
    episodes: int = 0
    reference: int = 0
    processes: int | None = None

    def __post_init__(self) -> None:
        require_count(self, "episodes", "reference", least=0, most=MOST_EPISODES)
        if self.processes is not None:
            require_count(self, "processes", most=MOST_PROCESSES)
        if not self.run:
            raise InputError("no run: give run=<dir>, the folder of a training with method=lcrl")


@dataclass
class SwappedLaw:
    """Fields of a compliance law that replaces that of a training; empty for the training's.

    Attributes:
        mass: Virtual mass [kg] and inertia [kg m2], x y z rx ry rz.
        damping: Damping [Ns/m] and [Nms/rad].
        stiffness: Stiffness [N/m] and [Nm/rad].
    """

    mass: list[float] = field(default_factory=list)
    damping: list[float] = field(default_factory=list)
    stiffness: list[float] = field(default_factory=list)

    def changes(self) -> dict[str, list[float]]:
        """Return the fields that are not empty."""
        return {name: value for name, value in vars(self).items() if value}


@dataclass
class BundleConfig:
    """Configuration common to the commands that write a bundle.

    Attributes:
        output: New folder.
        episodes: Held-out insertions that are run.
        tool_mass: Mass of everything attached to the robot's sensor [kg]; 0 if the sensor compensates it.
        centre_of_mass: Centre of that mass in the flange frame [m].
        gravity: Gravity in the robot's base frame [m/s2].
        soc: Ascend chip in the command line of ``atc``.
    """

    output: str | None = None
    episodes: int = 100
    tool_mass: float = 0.0
    centre_of_mass: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    gravity: list[float] = field(default_factory=lambda: [0.0, 0.0, -9.81])
    soc: str = "Ascend310P3"

    def __post_init__(self) -> None:
        require_count(self, "episodes", most=MOST_EPISODES)
        require_not_negative(self, "tool_mass")
        require_text(self, "output")
        for name in ("centre_of_mass", "gravity"):
            if not finite_numbers(getattr(self, name), 3):
                raise InputError(f"{name} must be three finite numbers x y z, got {getattr(self, name)}")
        if not re.fullmatch(r"\w+", self.soc, re.ASCII):
            raise InputError(f"soc must be the name of a chip, such as Ascend310P3, got {self.soc!r}")


@dataclass
class ExportConfig(BundleConfig):
    """Configuration of ``assembly-rl-export``; its output is by default ``export`` in the folder of the run.

    Attributes:
        run: Folder of a run.
        lag: Lag of the robot that the bundle is for [s]; by default the range of the training.
        delay: Delay of that robot [s]; by default the range of the training.
        compliance: Law that replaces that of the training.
    """

    run: str = ""
    lag: float | None = None
    delay: float | None = None
    compliance: SwappedLaw = field(default_factory=SwappedLaw)

    def __post_init__(self) -> None:
        super().__post_init__()
        times = {name: bounds.DELAY for name in ("lag", "delay") if getattr(self, name) is not None}
        require_not_negative(self, **times)
        if not self.run:
            raise InputError("nothing to export: give run=<dir>")


@dataclass
class DeployConfig(BundleConfig):
    """Configuration of ``assembly-rl-deploy``; its output is by default ``runs/deploy-<part>-<time>``.

    Attributes:
        geometry: Part.
        task: Conditions of the trials: errors of the hole's estimate, friction, robot, engine.
        source: Bundle of the controller (a file, or the name of one that comes with this package), or the
            folder of a run.
        episodes: Episodes in each engine.
        level: Success that is asked for: below it ``fine_tune`` trains, and ``insertions`` test for it.
        fine_tune: Policy steps of a fine-tuning on the part; 0 for none. With ``insertions`` in the
            model of the forecast, in the setting with the best one. It is in ``<output>-fine-tuning``; if it
            is stopped, the same command goes on.
        insertions: Largest number of insertions with which a setting for these conditions is chosen, after a
            forecast in the other engine; 0 for the controller as it is. They are in
            ``<output>-insertions.json``; if the command is stopped, the same command goes on.
        confidence: Confidence with which these insertions are to show the level.
        seed: Seed of the fine-tuning.
        processes: Number of worker processes; by default one per core.
    """

    geometry: GeometryConfig = field(default_factory=GeometryConfig)
    task: TaskConfig = field(default_factory=TaskConfig)
    source: str = "generalist"
    episodes: int = 200
    level: float = 0.95
    fine_tune: int = 0
    insertions: int = 0
    confidence: float = 0.9
    seed: int = 0
    processes: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require_count(self, "fine_tune", least=0)
        require_count(self, "insertions", least=0, most=MOST_EPISODES)
        require_seed(self)
        if not 0.0 <= self.level <= 1.0:
            raise InputError(f"level must be in [0, 1], got {self.level}")
        if self.insertions:
            SequentialTest(self.level, self.confidence)  # refuses what it cannot test
        if self.processes is not None:
            require_count(self, "processes", most=MOST_PROCESSES)


@dataclass
class ReplayConfig:
    """Configuration of ``assembly-rl-replay``.

    Attributes:
        bundle: File of the bundle.
        recording: CSV file of the recording; see ``assembly_rl.controllers.bundles.Recording``.
        output: Folder for plot and commands; by default beside the recording.
        watch: ``viewer`` shows recording and replay in Rerun, and a file that ends in ``.rrd`` is for Rerun's
            viewer later.
    """

    bundle: str = ""
    recording: str = ""
    output: str | None = None
    watch: str | None = None

    def __post_init__(self) -> None:
        require_text(self, "output")
        require_target(self.watch, in_window=False)
        for name in ("bundle", "recording"):
            if not getattr(self, name):
                raise InputError(f"nothing to replay: give {name}=<file>")


@dataclass
class IdentifyConfig:
    """Configuration of ``assembly-rl-identify``.

    Attributes:
        recording: CSV file of ``assembly_rl.controllers.identification.MotionRecording``, or a rosbag2.
        output: YAML file for the robot; by default its text is printed.
        picture: File of the picture; by default ``<recording>-identification.png``.
        held: True for a robot that takes a command at once and holds it, false for one that reaches it
            linearly during the following period.
        contact: Beginning and end of each time in contact on the recording's clock [s], if it has no phases.
        gravity: Gravity in the robot's base frame [m/s2].
        command_topic: Topic of the commands in a bag.
        pose_topic: Topic of the measured poses in a bag.
        wrench_topic: Topic of the wrenches in a bag.
    """

    recording: str = ""
    output: str | None = None
    picture: str | None = None
    held: bool = False
    contact: list[float] = field(default_factory=list)
    gravity: list[float] = field(default_factory=lambda: [0.0, 0.0, -9.81])
    command_topic: str = "/command"
    pose_topic: str = "/pose"
    wrench_topic: str = "/wrench"

    def __post_init__(self) -> None:
        require_text(self, "output", "picture", "command_topic", "pose_topic", "wrench_topic")
        if not self.recording:
            raise InputError("nothing to identify: give the file of a recording")
        if self.picture is not None and not self.picture.lower().endswith((".png", ".svg", ".pdf")):
            raise InputError(f"picture must end with .png, .svg or .pdf, got {self.picture!r}")
        if self.output is not None and not self.output.lower().endswith((".yaml", ".yml")):
            raise InputError(f"output must end with .yaml, so that robot= takes it, got {self.output!r}")
        if len(self.contact) % 2 or not finite_numbers(self.contact, len(self.contact)):
            raise InputError(f"contact must be pairs of finite times, begin and end, got {self.contact}")
        if not finite_numbers(self.gravity, 3):
            raise InputError(f"gravity must be three finite numbers x y z, got {self.gravity}")


@dataclass
class PartConfig:
    """Configuration of ``assembly-rl-part``.

    Attributes:
        geometry: Part.
        task: Task of the training: its errors, limits, engine and physics rate.
        output: File of the picture; by default ``part-<name>.png``, or with a number if that exists.
        keep: YAML file for the part; by default its text is printed.
    """

    geometry: GeometryConfig = field(default_factory=GeometryConfig)
    task: TaskConfig = field(default_factory=TaskConfig)
    output: str | None = None
    keep: str | None = None

    def __post_init__(self) -> None:
        require_text(self, "output", "keep")


@dataclass
class DesignConfig:
    """Configuration of ``assembly-rl-design``.

    Attributes:
        task: Control rate, lag and delay of the robot (``task.robot.response``), delay and cutoff of the
            sensor, cutoff of the filter (``task.admittance.cutoff``), mass and inertia of the tool
            (``task.physics``).
        stiffness: Range [low, high] of the contact stiffness [N/m].
        lever: Largest distance of a contact from the compliance centre [m].
        rotational_stiffness: Range [low, high] of the rotational stiffness of a contact [Nm/rad]; by default
            that of a contact at the lever.
        damping_ratio: Damping ratio of a position loop of second order; by default it is of first order.
        lead: Lead of a servo that follows the velocity of a command, which it reaches linearly in a period
            [s]; by default the command is held.
        mount: Stiffness of robot, mount and tool in series with the contact [N/m]; by default rigid.
        explicit: Step the law as ros2_controllers does.
        limits: Margin and limits that the law keeps.
        output: New folder for page, picture, task and parameters; by default ``design-<robot>``.
    """

    task: TaskConfig = field(default_factory=TaskConfig)
    stiffness: list[float] = field(default_factory=list)
    lever: float | None = None
    rotational_stiffness: list[float] = field(default_factory=list)
    damping_ratio: float | None = None
    lead: float | None = None
    mount: float | None = None
    explicit: bool = False
    limits: DesignLimits = field(default_factory=DesignLimits)
    output: str | None = None

    def __post_init__(self) -> None:
        require_text(self, "output")
        if not self.stiffness:
            raise InputError("no contact: give stiffness=[low,high] in N/m, such as stiffness=[1e3,3e4]")

    def robot_loop(self) -> RobotLoop:
        """Return the robot in the loop; the virtual mass is not below what the tool has."""
        task, physics = self.task, self.task.physics
        return RobotLoop(
            rate=task.control_rate,
            lag=task.robot.response.lag,
            delay=task.robot.response.delay,
            damping_ratio=self.damping_ratio,
            sensor_delay=task.sensor.delay,
            sensor_cutoff=task.sensor.cutoff,
            cutoff=task.admittance.cutoff,
            lead=self.lead,
            mount=self.mount,
            least_mass=max(physics.tool_mass, physics.tool_inertia / self.lever**2 if self.lever else 0.0),
            explicit=self.explicit,
        )

    def request(self) -> dict[str, Any]:
        """Return the other arguments of ``design``."""
        turning = self.rotational_stiffness or None
        return {"lever": self.lever, "rotational_stiffness": turning, "limits": self.limits}


@dataclass
class PlanConfig:
    """Configuration of ``assembly-rl-plan``.

    Attributes:
        geometry, task, algo: Part, task and algorithm of the training.
        batches: Batch sizes that are compared; by default the algorithm's.
        networks: Widths of the hidden layers that are compared; by default the algorithm's.
        environments: Numbers of environments that are compared.
        profile: Name -> profile of a device, in addition to this machine's CPU.
        steps: Policy steps of the training.
        verbose: Show shares of the device's peak and of the launches, too.
    """

    geometry: GeometryConfig = field(default_factory=GeometryConfig)
    task: TaskConfig = field(default_factory=TaskConfig)
    algo: AlgorithmConfig = field(default_factory=AlgorithmConfig)
    batches: list[int] = field(default_factory=list)
    networks: list[list[int]] = field(default_factory=list)
    environments: list[int] = field(default_factory=lambda: [1, 2])
    profile: dict[str, Profile] = field(default_factory=dict)
    steps: int = 20_000
    verbose: bool = False

    def __post_init__(self) -> None:
        require_count(self, "steps")
        if not self.environments or min(self.environments) < 1 or max(self.environments) > MOST_PROCESSES:
            raise InputError(
                f"environments must be one or more numbers >= 1 and <= {MOST_PROCESSES}, "
                f"got {self.environments}"
            )
        for name, profile in self.profile.items():
            if profile.device == "cpu":
                raise InputError(f"profile.{name}.device must be cuda or npu: the CPU is measured")
        self.variants()

    def variants(self) -> list[AlgorithmConfig]:
        """Return the algorithm in all requested sizes.

        Raises:
            ValueError: A size is refused.
        """
        batches = self.batches or [self.algo.batch_size]
        networks = self.networks or [self.algo.network]
        return [
            replace(self.algo, batch_size=batch, network=list(network))
            for network, batch in itertools.product(networks, batches)
        ]
