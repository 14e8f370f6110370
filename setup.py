"""Installs assembly_rl: learning, simulation (envs), control, configuration (conf) and examples."""

from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).parent
FOLDERS = {
    "assembly_rl": "assembly_rl",
    "assembly_rl.envs": "envs",
    "assembly_rl.controllers": "controllers",
    "assembly_rl.conf": "conf",
    "assembly_rl.examples": "examples",
}


def packages() -> dict[str, str]:
    """Import name of every package -> its folder; subfolders with an ``__init__.py`` included."""
    found = {}
    for name, folder in FOLDERS.items():
        for init in sorted((ROOT / folder).rglob("__init__.py")):
            relative = init.parent.relative_to(ROOT / folder)
            found[".".join((name, *relative.parts))] = str(Path(folder, relative))
    return found


PACKAGES = packages()

setup(
    name="assembly_rl",
    version="0.2.0",
    description="Reinforcement learning for compliant robotic assembly",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.11,<3.14",
    packages=sorted(PACKAGES),
    package_dir=PACKAGES,
    package_data={
        "assembly_rl": ["py.typed"],
        "assembly_rl.conf": ["*.yaml", "**/*.yaml"],
        "assembly_rl.controllers.bundles": ["shipped/*"],
        "assembly_rl.controllers.recognition": ["shipped/*"],
        "assembly_rl.methods.transfer": ["shipped/**/*"],
        "assembly_rl.examples": ["parts/*"],
    },
    install_requires=[
        "gymnasium>=1.2,<2",
        "hydra-core>=1.3.2,<1.4",
        "matplotlib>=3.9",
        "numpy>=2,<3",
        "pillow>=10.1",
        "pybullet>=3.2.7,<3.3; python_version < '3.12'",
        "pybullet-arm64>=3.2.8,<3.3; python_version >= '3.12'",  # pybullet itself has wheels up to 3.11
        "pyyaml>=6",
        "rich>=13.7",
        "safetensors>=0.5",
        "scipy>=1.16",
        "shapely>=2.1",
        "stable-baselines3>=2.9.2,<2.10",
        "tensorboard>=2.17",
        "torch>=2.13,<2.14",
    ],
    extras_require={
        "docs": [
            "mkdocs>=1.6,<2",
            "mkdocs-jupyter>=0.25",
            "mkdocs-material>=9.6,<10",
            "mkdocstrings[python]>=0.30",
        ],
        "drawings": ["ezdxf>=1.4"],
        "export": ["onnx>=1.17", "onnxruntime>=1.20"],
        "mesh": ["trimesh>=5.2"],
        "mujoco": ["mujoco>=4.0,<4.1"],
        "npu": ["torch==2.13.0", "torch-npu==2.13.0"],
        "rosbag": ["rosbags>=0.11"],
        "step": ["trimesh>=5.2", "cascadio>=0.1.1"],
        "studies": ["pyarrow>=18"],
        "ur": ["ur-rtde>=1.6,<1.7"],
        "video": ["imageio>=2.36", "imageio-ffmpeg>=0.6"],
        "watch": ["rerun-sdk>=0.41,<0.42"],
        "dev": [
            "hypothesis>=6.100",
            "import-linter>=2.6",
            "mypy>=1.13",
            "ninja>=1.11",
            "pin>=3.3",
            "pre-commit>=4",
            "pytest>=8.3",
            "pytest-benchmark>=5.1",
            "pytest-timeout>=2.3",
            "pytest-xdist>=3.6",
            "ruff>=0.8",
            "setuptools>=70.1",
            # wheels: Linux on x86_64, Python up to 3.12; elsewhere its tests are skipped
            "ur-rtde>=1.6.5,<1.7; sys_platform == 'linux' and platform_machine == 'x86_64' "
            "and python_version < '3.13'",
        ],
    },
    entry_points={
        "assembly_rl.methods": [
            "lcrl=assembly_rl.methods",
            "lcrl_pead=assembly_rl.methods",
            "pead=assembly_rl.methods",
            "residual=assembly_rl.methods",
            "transfer=assembly_rl.methods",
        ],
        "console_scripts": [
            "assembly-rl-train=assembly_rl.cli.entry:train",
            "assembly-rl-eval=assembly_rl.cli.entry:evaluate",
            "assembly-rl-graph=assembly_rl.cli.entry:graph",
            "assembly-rl-identify=assembly_rl.cli.entry:identify",
            "assembly-rl-part=assembly_rl.cli.entry:part",
            "assembly-rl-design=assembly_rl.cli.entry:design",
            "assembly-rl-plan=assembly_rl.cli.entry:plan",
            "assembly-rl-benchmark=assembly_rl.cli.entry:benchmark",
            "assembly-rl-transfer=assembly_rl.cli.entry:transfer",
            "assembly-rl-deploy=assembly_rl.cli.entry:deploy",
            "assembly-rl-export=assembly_rl.cli.entry:export",
            "assembly-rl-replay=assembly_rl.cli.entry:replay",
        ],
    },
)
