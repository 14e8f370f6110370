# %% [markdown]
# # Tutorial
#
# From an environment to a controller in a robot program: look at the task, train for 3,000 steps, watch and
# measure what came of it, and drive the exported file in the simulator. It takes about a minute on two
# cores.
#
# Run it as a program, `python -m assembly_rl.examples.tutorial`, or cell by cell in an editor that knows
# such cells (VS Code, PyCharm, Spyder) or in Jupyter by jupytext. The extra `export` is needed: `pip
# install 'assembly_rl[export]'`. Everything that it writes is in the folder of the run, below `runs/`.

# %%
import matplotlib.pyplot as plt
import numpy as np

import assembly_rl as arl
from assembly_rl.controllers import load_bundle
from assembly_rl.envs import SimulatedRobot
from assembly_rl.envs.simulation import insert
from assembly_rl.reports.trace import record_episode
from assembly_rl.reports.video import write_video
from assembly_rl.training.config import EvaluationConfig

STEPS = 3_000  # of the training; 20,000, the default, insert nearly always
EPISODES = 50  # of each evaluation
CHECKED = 10  # insertions that the export compares

# %% [markdown]
# ## The environment
#
# A robot holds a square peg of 20 mm above a hole that is a tenth of a millimetre wider on every side. It
# knows the position of the hole only to within a millimetre, and its orientation to a degree or two. An
# admittance controller moves the peg down a straight path and gives way to the forces that it measures. The
# agent steers that controller, 20 times a second.

# %%
env = arl.make_env(render_mode="rgb_array")
observation, info = env.reset(seed=0)
print(env.part)
print("observation", env.observation_space.shape, "action", env.action_space.shape)

# %% [markdown]
# The action is a wrench that the tool shall apply besides: x y z rx ry rz in [-1, 1], where 1 is 12, 12, 8
# N and 0.5 Nm. With an action of zero the controller only follows its path, and the peg comes to stand on
# the rim of the hole:

# %%
start = env.render()
while "result" not in info:
    observation, reward, terminated, truncated, info = env.step(np.zeros(6, np.float32))

figure, panels = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
for axes, picture, title in zip(panels, (start, env.render()), ("start", "end"), strict=True):
    axes.imshow(picture)
    axes.set_title(title)
    axes.axis("off")

# %% [markdown]
# The observation is the wrench at the tip of the peg, its pose relative to where the hole is thought to be,
# the action before, and wrenches of before, all scaled to about one. `info` has SI units, and what a robot
# would not know: how deep the peg really is, and how far from the axis of the hole.

# %%
pairs = zip(env.observation_names, observation, strict=True)
named = [f"{name} {value:z.2f}" for name, value in pairs]
print("observed:", "   ".join(named[:6]))
print("         ", "   ".join(named[6:12]))
print("force on the tool: {:.1f} {:.1f} {:.1f} N".format(*info["wrench"][:3]))
print(f"depth of the tip: {1e3 * info['depth']:.1f} mm")
print(f"off the axis of the hole: {1e3 * info['lateral']:.1f} mm")
print("result:", info["result"], f"after {info['time']:.2f} s")
env.close()

# %% [markdown]
# ## Train
#
# `arl.train` does what `assembly-rl-train` does on the command line: soft actor-critic, into a new folder.
# Every 1,000 steps the policy is validated; the best one is kept, and measured at the end on episodes that
# nothing was chosen on.

# %%
run = arl.train(
    steps=STEPS,
    evaluation=EvaluationConfig(every=STEPS // 3, episodes=EPISODES, held_out=EPISODES),
    pictures=False,
)
print(run.path)
for row in run.validations:
    print(f"step {row['step']:5.0f}: {100 * row['success']:3.0f} % of the insertions succeed")

# %% [markdown]
# ## Evaluate
#
# `arl.evaluate` measures a policy elsewhere, too: on a part of another section, or in harder conditions,
# here without a chamfer and with twice the error. Fifty episodes tell the success to within 14 points; see
# the intervals.

# %%
policy = arl.load(run.path)
found = {
    "square": arl.evaluate(policy, episodes=EPISODES),
    "triangle": arl.evaluate(policy, part="triangle", episodes=EPISODES),
    "square, hard task": arl.evaluate(policy, task="hard", episodes=EPISODES),
}
for name, evaluation in found.items():
    low, high = evaluation.summary.interval
    interval = f"(95 % interval {100 * low:.0f} to {100 * high:.0f} %)"
    print(f"{name}: {100 * evaluation.success:.0f} % {interval}")

# %% [markdown]
# ## Act, and watch
#
# The policy is a function from an observation to an action; `arl.load_model` would give it as a model of
# stable-baselines3. The loop is that of any gymnasium environment. The episode is one that succeeded above,
# if any did: an episode of the same seed has the same hole, friction and noise.

# %%
rows = found["square"].rows
seed = next((row["seed"] for row in rows if row["success"]), rows[0]["seed"])
env = arl.make_env(policy.config, render_mode="rgb_array")
observation, info = env.reset(seed=seed)
times, depths, forces = [0.0], [info["depth"]], [0.0]
while "result" not in info:
    observation, reward, terminated, truncated, info = env.step(policy.act(observation))
    times.append(info["time"])
    depths.append(info["depth"])
    forces.append(info["force"].max())  # of the control steps within this policy step
print(f"{info['result']} after {info['time']:.2f} s")

# %% [markdown]
# `record_episode` runs the same episode again and keeps its pictures. `write_video` makes a film of them
# with the curves: an MP4 with the extra `video`, a GIF without.

# %%
trace = record_episode(env, policy.actor, seed, frames=True)
env.close()
write_video(trace, run.path / "insertion.gif")

figure, panels = plt.subplots(1, 4, figsize=(12, 3), layout="constrained")
numbers = np.linspace(0, len(times) - 1, 4).round().astype(int)
for axes, number in zip(panels, numbers, strict=True):
    axes.imshow(trace.frames[number])
    axes.set_title(f"{times[number]:.2f} s")
    axes.axis("off")
figure.savefig(run.path / "pictures.png")

# %% [markdown]
# ## Look at an episode
#
# The peg touches the rim, and the force rises. The policy moves it about until it finds the hole, and then
# pushes it down. A force above the dashed line ends an episode.

# %%
figure, (upper, lower) = plt.subplots(2, 1, sharex=True, figsize=(8, 4), layout="constrained")
upper.plot(times, 1e3 * np.array(depths))
bottom = 1e3 * policy.config.geometry.hole_depth
upper.axhline(bottom, color="grey", linestyle="--", label="bottom of the hole")
upper.invert_yaxis()
upper.set_ylabel("depth of the tip [mm]")
upper.legend()
lower.plot(times, forces, color="tab:red")
lower.axhline(policy.config.task.limits.force, color="grey", linestyle="--", label="limit")
lower.set_ylabel("largest force [N]")
lower.legend()
lower.set_xlabel("time [s]")
figure.savefig(run.path / "timeline.png")

# %% [markdown]
# ## Export
#
# A bundle is one file for a robot program, which needs numpy and safetensors, but neither torch nor a
# simulator. The export checks that the bundle acts as the policy did, to the last bit.

# %%
exported = arl.export(run, episodes=CHECKED)
print(exported.bundle)
print("largest difference of an action:", exported.action_difference)

# %% [markdown]
# ## Drive the bundle
#
# `SimulatedRobot` takes the place of a robot: positions go in, wrench and pose come out, 200 times a
# second. `insert` is the loop that a robot program runs. The recording is what such a program would keep.

# %%
controller = load_bundle(exported.bundle)
robot = SimulatedRobot(run.config.geometry.part(), run.config.task)
state = insert(robot, controller, seed)
recording = controller.recording()
print(f"{state} after {recording.times[-1]:.2f} s, {len(recording)} control steps")
recording.save(run.path / "insertion.csv")
robot.close()

# %% [markdown]
# It is the same insertion as above, now by the file alone.
#
# Where to go from here: your own part (`assembly-rl-part bracket.yaml`, then
# `arl.train(geometry="bracket.yaml")`), a robot that lags (`robot="ur5e"` on the command line), the
# controller that comes with the package (`load_bundle("generalist")`), or a real robot (`python -m
# assembly_rl.examples.run_ur --help`).
