"""Bundles: trained controllers in one file each, which run without torch, PyBullet or gymnasium."""

from assembly_rl.controllers.bundles.controller import BundleController, Command, State
from assembly_rl.controllers.bundles.file import (
    Bundle,
    BundleError,
    load_bundle,
    read_bundle,
    shipped_bundles,
    write_bundle,
)
from assembly_rl.controllers.bundles.manifest import Manifest
from assembly_rl.controllers.bundles.recording import Recording

__all__ = [
    "Bundle",
    "BundleController",
    "BundleError",
    "Command",
    "Manifest",
    "Recording",
    "State",
    "load_bundle",
    "read_bundle",
    "shipped_bundles",
    "write_bundle",
]
