from __future__ import annotations

from pathlib import Path

from pipelines import _kernel_cache


def test_a_change_beside_a_kernel_is_another_cache(tmp_path: Path) -> None:
    package = tmp_path / "pipelines"
    for name, text in (
        ("a/kernel.py", "from numba import njit"),
        ("a/constants.py", "X = 1"),
        ("b/plain.py", "Y = 1"),
        ("lake.py", ""),
    ):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
    first = _kernel_cache(package)
    (package / "b/plain.py").write_text("Y = 2")
    assert _kernel_cache(package) == first
    (package / "a/constants.py").write_text("X = 2")
    assert _kernel_cache(package) != first
    assert Path(first).parent == tmp_path / ".cache" / "numba"
