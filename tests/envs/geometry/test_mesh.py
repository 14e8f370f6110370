import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from assembly_rl.envs.geometry import (
    PegHole,
    cache_folder,
    hole_mesh,
    hole_parts,
    hole_visual_mesh,
    peg_mesh,
    peg_parts,
    peg_visual_mesh,
)

WRITER = """
import sys
from assembly_rl.envs.geometry import PegHole, hole_mesh, peg_mesh
print("ready", flush=True)
sys.stdin.readline()
for i in range(40):
    part = PegHole("L", {"width": 0.02 + 1e-4 * i})
    for path in (peg_mesh(part), hole_mesh(part)):
        print(path, path.stat().st_size)
"""


def groups(path: Path) -> int:
    return path.read_text().count("\no ") + 1


def test_file_holds_the_parts_to_the_last_bit(part: PegHole) -> None:
    for path, pieces in ((peg_mesh(part), peg_parts(part)), (hole_mesh(part), hole_parts(part))):
        lines = [line.split() for line in path.read_text().splitlines()]
        vertices = np.array([line[1:] for line in lines if line[0] == "v"], dtype=np.float64)
        np.testing.assert_array_equal(vertices, np.concatenate([piece.vertices for piece in pieces]))
        assert [line for line in lines if line[0] == "o"] == [["o", f"part_{i}"] for i in range(len(pieces))]
        faces = np.array([line[1:] for line in lines if line[0] == "f"], dtype=int)
        assert len(faces) == sum(len(piece.triangles) for piece in pieces)
        corners = vertices[faces - 1]
        volume = np.sum(np.linalg.det(corners)) / 6.0
        assert volume == pytest.approx(sum(piece.volume for piece in pieces), rel=1e-9)


def test_name_changes_with_the_content() -> None:
    parts = [PegHole(), PegHole(clearance=2e-4), PegHole(chamfer=0.0), PegHole("hexagon")]
    paths = [hole_mesh(part) for part in parts]
    assert len(set(paths)) == len(parts)
    for path in paths:
        assert path.stem == "hole-" + hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def test_a_good_file_is_kept_and_a_damaged_one_replaced(cache: Path) -> None:
    path = hole_mesh(PegHole())
    content, written = path.read_bytes(), path.stat().st_mtime_ns
    assert path.parent == cache
    os.utime(path, ns=(0, written - 10**9))
    assert hole_mesh(PegHole()).stat().st_mtime_ns == written - 10**9
    for damaged in (content[:-40], b"", content.replace(b"0", b"1", 1)):
        path.write_bytes(damaged)
        assert hole_mesh(PegHole()) == path
        assert path.read_bytes() == content
    assert list(cache.iterdir()) == [path]


def test_an_interrupted_write_leaves_nothing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(source: Path, target: Path) -> None:
        assert Path(source).parent == Path(target).parent == cache
        assert not Path(target).exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        peg_mesh(PegHole())
    assert list(cache.iterdir()) == []


def test_eight_processes_share_the_cache(cache: Path) -> None:
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", WRITER]
    writers = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(8)]
    for writer in writers:
        assert writer.stdout is not None and writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    outputs = {writer.communicate(timeout=1800)[0] for writer in writers}
    assert [writer.returncode for writer in writers] == [0] * 8
    assert len(outputs) == 1  # the same paths, and every file was complete when its path was returned
    files = list(cache.iterdir())
    assert len(files) == 80
    for path in files:
        assert path.stem.endswith(hashlib.sha256(path.read_bytes()).hexdigest()[:16])


def test_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("ASSEMBLY_RL_CACHE", "~/own")
    assert cache_folder() == tmp_path / "home" / "own" / "meshes"
    monkeypatch.delenv("ASSEMBLY_RL_CACHE")
    assert cache_folder() == tmp_path / "xdg" / "assembly_rl" / "meshes"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert cache_folder() == tmp_path / "home" / ".cache" / "assembly_rl" / "meshes"
    assert cache_folder().is_dir()


def test_visual_meshes() -> None:
    part = PegHole()
    assert groups(peg_visual_mesh(part)) == 2
    heights = [
        float(line.split()[3]) for line in peg_visual_mesh(part).read_text().splitlines() if line[0] == "v"
    ]
    assert max(heights) == pytest.approx(part.peg_length + 0.006)
    assert groups(hole_visual_mesh(part)) == 3
    assert groups(hole_visual_mesh(part, (0.0, 0.0, 1.0))) == 4
    # Seen from +x, the part above the bar of the L hides its stem although it faces +y.
    assert groups(hole_visual_mesh(PegHole("L"), (1.0, 0.0, 0.0))) == 3
