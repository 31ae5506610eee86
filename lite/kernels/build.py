"""Compile the kernels for the browser's NumPy and pack them as a wheel.

    python lite/kernels/build.py --out build/kernels

The compiler is Zig's clang, which comes from PyPI. The same sources are compiled twice, with SIMD and with relaxed SIMD;
which one runs is decided in the browser. A module that would need memory of its own is refused: it would lie where
Python's memory lies.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGE = "tinytorch_kernels"
VERSION = "1"
EPOCH = (1980, 1, 1, 0, 0, 0)
MODULES = {"kernels.wasm": ["-msimd128"], "kernels_relaxed.wasm": ["-msimd128", "-mrelaxed-simd"]}
TARGET = ["-target", "wasm32-freestanding"]
COMPILE = ["-O3", "-g0", "-Wall", "-Wextra", "-Werror", "-c"]
LINK = ["-nostdlib", "-Wl,--no-entry", "-Wl,--import-memory", "-Wl,--import-table", "-Wl,--strip-all"]
# What a module of pure code consists of: custom, type, import, function, export, code and data count sections; and one
# for variables, where the linker always declares the stack pointer, used or not.
CODE_ONLY = {0, 1, 2, 3, 6, 7, 10, 12}
NAMES = {4: "a table", 5: "a memory", 8: "a start function", 9: "functions in the table", 11: "data"}
METADATA = f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: {VERSION}\nSummary: SIMD loops for NumPy in the browser\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: lite/kernels/build.py\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


class KernelError(RuntimeError):
    """The kernels cannot be shipped; the message says why."""


def zig(arguments: list[str], out: Path) -> None:
    """Run the compiler; what it keeps for another time stays in the folder of the build."""
    caches = {"ZIG_GLOBAL_CACHE_DIR": str(out / "cache"), "ZIG_LOCAL_CACHE_DIR": str(out / "cache")}
    command = [sys.executable, "-m", "ziglang", "cc", *TARGET, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | caches)
    if done.returncode:
        raise KernelError(f"the kernels do not compile:\n{done.stderr[-4000:]}")


def compile_module(name: str, features: list[str], sources: list[Path], out: Path) -> bytes:
    """Compile C files and link them into one module; return its bytes."""
    objects = []
    for source in sources:
        objects.append(out / f"{name}.{source.stem}.o")
        zig([*COMPILE, *features, "-o", str(objects[-1]), str(source)], out)
        if b"__stack_pointer" in objects[-1].read_bytes():
            raise KernelError(f"{source.name} needs a stack: an array or a struct stays in memory instead of registers")
    zig([*LINK, "-o", str(out / name), *map(str, objects)], out)
    module = (out / name).read_bytes()
    check_code_only(name, module)
    return module


def number(module: bytes, at: int) -> tuple[int, int]:
    """Return the number at a place (seven bits a byte, the lowest first) and the place after it."""
    value = shift = 0
    while True:
        byte = module[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return value, at


def sections(module: bytes) -> list[int]:
    """Return the kinds of a module's sections."""
    kinds, at = [], 8  # after the magic word and the version
    while at < len(module):
        kinds.append(module[at])
        length, at = number(module, at + 1)
        at += length
    return kinds


def check_code_only(name: str, module: bytes) -> None:
    """Raise where a module has variables, constants in memory, or a table or memory of its own."""
    if module[:8] != b"\0asm\1\0\0\0":
        raise KernelError(f"{name} is no WebAssembly module")
    if other := sorted(set(sections(module)) - CODE_ONLY):
        kinds = ", ".join(NAMES.get(kind, str(kind)) for kind in other)
        raise KernelError(
            f"{name} is not code alone, it has {kinds}; look for a static variable or a table of constants in "
            "lite/kernels/*.c"
        )


def pack(out: Path, modules: dict[str, bytes]) -> Path:
    """Write the wheel; the same input gives the same bytes."""
    files = {f"{PACKAGE}/{path.name}": path.read_bytes() for path in sorted((HERE / PACKAGE).glob("*.py"))}
    files |= {f"{PACKAGE}/{name}": data for name, data in modules.items()}
    info = f"{PACKAGE}-{VERSION}.dist-info"
    files |= {f"{info}/METADATA": METADATA.encode(), f"{info}/WHEEL": WHEEL.encode()}
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"]).encode()
    wheel = out / f"{PACKAGE}-{VERSION}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), data, zipfile.ZIP_DEFLATED, 9)
    return wheel


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    try:
        sources = sorted(HERE.glob("*.c"))
        wheel = pack(out, {name: compile_module(name, features, sources, out) for name, features in MODULES.items()})
    except KernelError as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"{wheel.name}: {wheel.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
