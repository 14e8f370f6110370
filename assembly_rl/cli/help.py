"""Help pages of the commands, which are shown before anything else is imported."""

from collections.abc import Sequence
from dataclasses import dataclass

SHORT, ALL, VERSION = ("--help", "-h"), "--help=all", "--version"


@dataclass(frozen=True)
class Page:
    """Help page of a command.

    Attributes:
        purpose: Purpose of the command in a sentence.
        keys: Key -> meaning of the keys that are changed most.
        examples: Command lines.
        further: Page of the documentation.
        others: Other keys, and sections with a dot at the end, for the completion by a shell.
    """

    purpose: str
    keys: dict[str, str]
    examples: tuple[str, ...]
    further: str
    others: tuple[str, ...] = ()

    def text(self, command: str) -> str:
        """Return the page of a command of this name."""
        width = 2 + max(map(len, self.keys))
        rows = [f"  {key.ljust(width)}{meaning}" for key, meaning in self.keys.items()]
        return "\n".join(
            [
                self.purpose,
                "",
                f"{command} [key=value ...]     units are SI; lists in quotes: 'seed=[0,1]'",
                "",
                *rows,
                "",
                "Examples:",
                *(f"  {example}" for example in self.examples),
                "",
                f"{ALL} shows all keys with their meaning, --cfg job their values, {VERSION} the version.",
                f"More in {self.further}.",
            ]
        )


PART = "part: a name (square, L, pins ...) or a file (DXF, SVG, YAML, STL)"
TASK = "errors [mm] and time limit [s]: default (1, 5), hard (2, 8), broad (3, 10), far (5, 20)"
ROBOT = "lag, delay and arm: floating, iiwa, ur5e, franka, or a YAML file"
ENGINE = "physics: bullet, or mujoco if it is installed"
RUN = "folder of a training"
WATCH = "show the episodes: window, viewer (Rerun), or a file that ends in .rrd"
PROCESSES = "worker processes; by default one for each core"

PAGES = {
    "assembly-rl-train": Page(
        "Train a controller to insert a part; it takes some minutes on two cores.",
        {
            "geometry": PART,
            "geometry.clearance": "gap between each side of the centred peg and the hole [m]",
            "task": TASK,
            "robot": ROBOT,
            "algo": "learning algorithm: sac, td3, ddpg, ppo",
            "steps": "policy steps of the training, 20 a second of robot time",
            "seed": "seed of all random numbers",
            "experiment": "settings that belong together: hard, generalist (many parts), wide, telemetry",
            "quick": "true tries in half a minute whether everything works, with few steps and episodes",
            "run_dir": "folder of the training; by default a new one under runs/",
            "resume": "folder of a training that goes on; with steps= beyond its end",
        },
        (
            "assembly-rl-train",
            "assembly-rl-train geometry=bracket.dxf task=hard steps=40000 robot=ur5e",
            "assembly-rl-train resume=runs/default-square-sac-seed0 steps=30000",
        ),
        "docs/configuration.md",
        others=(
            "geometry.", "parts.", "task.", "algo.", "method.", "transfer.",
            "environments", "evaluation.", "checkpoint_every", "device", "plan", "pictures", "verbose",
        ),
    ),
    "assembly-rl-deploy": Page(
        "Try the controller of this package on a part that it has never seen, and export it for a robot.",
        {
            "geometry": PART,
            "geometry.clearance": "gap between each side of the centred peg and the hole [m]",
            "robot": ROBOT,
            "task.randomization.hole_estimate.lateral": "largest error of the hole's position [m]",
            "task.randomization.hole_estimate.tilt": "largest error of its axis [rad]",
            "episodes": "insertions that are tried in each physics engine",
            "insertions": "at most so many choose settings for your conditions",
            "level": "success that is asked for",
            "confidence": "with which the insertions are to show it",
            "fine_tune": "steps of training on the part if fewer succeed than level",
            "output": "new folder; by default under runs/",
            "tool_mass": "mass on the robot's sensor [kg]; 0 if it compensates it",
            "source": "another controller: the file of a bundle, or the folder of a run",
        },
        (
            "assembly-rl-deploy geometry=bracket.dxf robot=ur5e",
            "assembly-rl-deploy geometry=L task.randomization.hole_estimate.lateral=0.005 insertions=20",
        ),
        "docs/generalist.md",
        others=("geometry.", "task.", "centre_of_mass", "gravity", "soc", "seed", "processes"),
    ),
    "assembly-rl-eval": Page(
        "Run held-out insertions with trained controllers and hand-written ones, and compare them.",
        {
            "run": f"{RUN}, or a list of them",
            "controller": "hand-written ones: fixed, dither, reflex, each also with _hard",
            "geometries": "parts of the comparison; by default that of the run",
            "clearance": "clearances [m]",
            "friction": "coefficients of friction",
            "lag": "lags of the robot [s]",
            "engine": ENGINE,
            "episodes": "insertions in each condition",
            "output": "CSV file for the rows; by default under runs/",
            "watch": WATCH,
            "processes": PROCESSES,
        },
        (
            "assembly-rl-eval run=runs/default-square-sac-seed0",
            "assembly-rl-eval run=runs/default-square-sac-seed0 'geometries=[square,L]' 'lag=[0,0.03]'",
            "assembly-rl-eval task=hard 'controller=[fixed_hard,dither_hard,reflex_hard]'",
        ),
        "docs/configuration.md",
        others=("controller.", "geometry.", "task.", "delay", "seed", "quick"),
    ),
    "assembly-rl-export": Page(
        "Export a trained controller as one file, with a page for the robot engineer.",
        {
            "run": RUN,
            "output": "new folder; by default export/ in that of the training",
            "lag": "lag of your robot [s]; by default that of the training",
            "delay": "delay of your robot [s]; by default that of the training",
            "tool_mass": "mass on the robot's sensor [kg]; 0 if it compensates it",
            "centre_of_mass": "centre of that mass in the flange frame [m], a list of three",
            "gravity": "gravity in the robot's base frame [m/s2], a list of three",
            "compliance.damping": "another damping of the compliance law [Ns/m, Nms/rad], a list of six",
            "episodes": "held-out insertions whose result the page tells",
        },
        (
            "assembly-rl-export run=runs/default-square-sac-seed0",
            "assembly-rl-export run=runs/default-square-sac-seed0 tool_mass=0.6 'centre_of_mass=[0,0,0.05]'",
        ),
        "docs/bundles.md",
        others=("compliance.", "soc"),
    ),
    "assembly-rl-part": Page(
        "Show a part before it is trained: a picture, its measures, what a policy step costs, and warnings.",
        {
            "geometry": PART,
            "geometry.clearance": "gap between each side of the centred peg and the hole [m]",
            "geometry.chamfer": "width of the chamfer of the hole's mouth [m]",
            "task": TASK,
            "output": "file of the picture",
            "keep": "YAML file that is written for the part",
        },
        ("assembly-rl-part geometry=bracket.dxf", "assembly-rl-part geometry=plug.stl keep=plug.yaml"),
        "docs/parts.md",
        others=("geometry.", "task."),
    ),
    "assembly-rl-design": Page(
        "Choose mass, damping and stiffness of the compliance law for a robot and a range of contacts.",
        {
            "robot": ROBOT,
            "stiffness": "softest and stiffest contact [N/m], a list of two",
            "lever": "largest distance of a contact from the compliance centre [m]",
            "rotational_stiffness": "of a contact [Nm/rad], a list of two; by default from the lever",
            "damping_ratio": "damping ratio of a robot of second order",
            "mount": "stiffness of robot, mount and tool in series with the contact [N/m]",
            "limits.settling": "longest settling time of the contact force [s]",
            "limits.force": "largest contact force [N] at limits.approach_speed and limits.reference",
            "limits.sensitivity": "margin of stability, 2 or less",
            "explicit": "true steps the law as ros2_controllers does",
            "output": "new folder for page, picture, task and parameters of ROS",
        },
        (
            "assembly-rl-design robot=ur5e 'stiffness=[2e3,2e4]' lever=0.1 task.control_rate=500",
            "assembly-rl-design robot=my_robot.yaml 'stiffness=[1e3,1e4]' lever=0.1 limits.force=20",
        ),
        "docs/design.md",
        others=("task.", "limits.", "lead"),
    ),
    "assembly-rl-plan": Page(
        "Predict what a training costs before it runs, on this machine and on devices that it lacks.",
        {
            "geometry": PART,
            "task": TASK,
            "algo": "learning algorithm: sac, td3, ddpg, ppo",
            "steps": "policy steps of the training",
            "networks": "widths of hidden layers that are compared, a list of lists",
            "batches": "batch sizes that are compared",
            "environments": "numbers of parallel environments that are compared",
            "profile": "devices: h100, ascend910b",
        },
        ("assembly-rl-plan", "assembly-rl-plan 'networks=[[64,64],[256,256]]' 'environments=[1,2,4]'"),
        "docs/devices.md",
        others=("geometry.", "task.", "algo.", "profile.", "verbose"),
    ),
    "assembly-rl-graph": Page(
        "Show which observations each action of a controller sees (local connection reinforcement learning).",
        {
            "run": "folder of a training with method=lcrl",
            "episodes": "held-out insertions of the ablation; 0 for none",
            "reference": "states of a reference estimate in the simulator; 0 for none",
            "processes": PROCESSES,
        },
        ("assembly-rl-graph run=runs/default-square-sac-seed0 episodes=40",),
        "docs/lcrl.md",
    ),
    "assembly-rl-transfer": Page(
        "Transfer a trained controller to another part, with few insertions there.",
        {
            "source": f"{RUN}, or a list of which the most similar one is taken",
            "geometry": PART,
            "task": TASK,
            "robot": ROBOT,
            "steps": "policy steps on the new part",
            "seed": "seed of all random numbers",
            "compare": "true trains in other ways, too, and compares them",
            "run_dir": "folder of the transfer; by default a new one under runs/",
            "resume": "folder of a transfer that goes on",
        },
        ("assembly-rl-transfer source=runs/default-square-sac-seed0 geometry=L",),
        "docs/transfer.md",
        others=("geometry.", "task.", "transfer.", "evaluation.", "device", "processes"),
    ),
    "assembly-rl-benchmark": Page(
        "Run a study: methods compared over conditions and seeds, with a report.",
        {
            "study": "name: baselines, lcrl, pead, transfer ...",
            "output": "folder of the study; by default under runs/studies/",
            "processes": "trainings side by side; 0 only writes the report again",
            "cell": "number of the only training that is run",
        },
        ("assembly-rl-benchmark study=baselines", "assembly-rl-benchmark study=baselines processes=0"),
        "docs/studies/README.md",
        others=("study.",),
    ),
    "assembly-rl-identify": Page(
        "Identify a robot from a recording of its motion: lag, delay, sensor, tool, contact; with intervals.",
        {
            "recording": "CSV file, or a rosbag2; the first argument",
            "output": "YAML file of the robot, which robot= takes; by default it is printed",
            "picture": "file of the picture",
            "held": "true for a robot that takes a command at once and holds it",
            "contact": "begin, end of contact on the recording's clock [s], if it has no phases",
            "gravity": "gravity in the robot's base frame [m/s2], a list of three",
            "command_topic": "topic of the commands in a bag",
            "pose_topic": "topic of the measured poses in a bag",
            "wrench_topic": "topic of the wrenches in a bag",
        },
        (
            "assembly-rl-identify recording=excitation.csv output=my_robot.yaml",
            "assembly-rl-identify recording=excitation.csv held=true 'contact=[42,58]'",
        ),
        "docs/identification.md",
    ),
    "assembly-rl-replay": Page(
        "Feed the readings and poses that a robot recorded to an exported controller, and draw its commands.",
        {
            "bundle": "file of the exported controller",
            "recording": "CSV file of the recording",
            "output": "folder for plot and commands; by default beside the recording",
            "watch": "show both in Rerun: viewer, or a file that ends in .rrd",
        },
        ("assembly-rl-replay bundle=square.bundle recording=insertion.csv",),
        "docs/bundles.md",
    ),
}  # fmt: skip
"""Help page of each command."""


def quick_answer(command: str, arguments: Sequence[str]) -> str | None:
    """Return what a command prints if it is asked for help or for the version; None for anything else.

    Args:
        command: Name of the command.
        arguments: Its arguments.
    """
    if VERSION in arguments:
        from assembly_rl import __version__

        return f"assembly_rl {__version__}"
    if any(option in arguments for option in SHORT):
        return PAGES[command].text(command)
    return None
