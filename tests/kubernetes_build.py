"""Build Kubernetes' own API server and etcd once, from their published Go modules: ``python -m tests.kubernetes_build``.

The module folders stand beside the real input (``BONGSU_DATA/../kubernetes-api``). The programs are kept in
``BONGSU_KUBERNETES``, else in ``~/.cache/bongsu/kubernetes``; Go keeps its own results, so that a build that was
ended goes on where it was.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.conftest import ROOT

ETCD, API_SERVER = "etcd", "kube-apiserver"
VERSION = "v1.34.4"
STAMP = "-X k8s.io/component-base/version."
FLAGS = {
    ETCD: "-s -w",
    API_SERVER: f"-s -w {STAMP}gitVersion={VERSION} {STAMP}gitMajor=1 {STAMP}gitMinor=34",
}
FOLDERS = {ETCD: "etcd", API_SERVER: "apiserver"}


def programs() -> Path:
    """The folder of the two programs; it may be missing."""
    named = os.environ.get("BONGSU_KUBERNETES")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(named) if named else cache / "bongsu" / "kubernetes"


def missing() -> list[str]:
    return [name for name in FLAGS if not (programs() / name).is_file()]


def modules() -> Path:
    data = Path(os.environ.get("BONGSU_DATA", ROOT.parent / "shared" / "data"))
    return data.resolve().parent / "kubernetes-api"


def main() -> int:
    """Build what is missing. 0: both are there."""
    wanted = missing()
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if wanted and (go is None or not modules().is_dir()):
        why = "no Go here" if go is None else f"no modules in {modules()}"
        sys.stderr.write(f"Kubernetes' API server is not built: {why}\n")
        return 1
    for name in wanted:
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(
                modules() / FOLDERS[name], folder, dirs_exist_ok=True, copy_function=shutil.copyfile
            )
            Path(folder).chmod(0o700)
            programs().mkdir(parents=True, exist_ok=True)
            made = programs() / f".{name}.{os.getpid()}"
            words = [str(go), "build", "-buildvcs=false", f"-ldflags={FLAGS[name]}", "-o", str(made), "."]
            if subprocess.run(words, cwd=folder, check=False).returncode != 0:
                return 1
            made.replace(programs() / name)  # whole or not at all: a test may look at this moment
    return 0


if __name__ == "__main__":
    sys.exit(main())
