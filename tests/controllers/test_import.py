"""A robot program that imports the controllers loads neither learning nor simulation."""

import json
import subprocess
import sys

PROGRAM = """
import json, sys, time
start = time.perf_counter()
import assembly_rl.controllers
print(json.dumps([time.perf_counter() - start, sorted({name.partition(".")[0] for name in sys.modules})]))
"""
HEAVY = {
    "torch", "pybullet", "gymnasium", "stable_baselines3", "scipy", "yaml", "hydra", "omegaconf", "pandas",
    "matplotlib", "shapely", "rich", "safetensors", "imageio",
}  # fmt: skip


def test_importing_the_controllers_loads_numpy_and_nothing_heavy() -> None:
    result = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    seconds, modules = json.loads(result.stdout)
    assert HEAVY.isdisjoint(modules), f"loaded: {sorted(HEAVY & set(modules))}"
    assert {"assembly_rl", "numpy"} <= set(modules)
    assert seconds > 0.0
    print(
        f"import assembly_rl.controllers: {1e3 * seconds:.0f} ms"
    )  # a measurement, not a bound: benchmarks/


def test_the_public_names_are_there() -> None:
    import assembly_rl.controllers as controllers

    assert all(hasattr(controllers, name) for name in controllers.__all__)
    assert list(controllers.__all__) == sorted(controllers.__all__)
