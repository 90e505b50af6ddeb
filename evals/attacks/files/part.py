"""Files on their way to the host, by each way that labcrew has, against what may lie in wait."""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from evals.attacks.boxes import PYTHON, done, kit, sandbox, writer
from evals.attacks.files.documents import parsed
from evals.attacks.files.inside import plants, races, tars
from evals.attacks.files.inside.harm import harm
from evals.attacks.files.inside.plants import PLANTS, Plant, folder_of
from evals.attacks.probe import Finding, Part, Verdict
from labcrew import beneath
from labcrew.errors import LabcrewError
from sandboxes.crossing import files
from tools.toolbox import Workbench

_MODULES = Path(plants.__file__).parent
_PROGRAM = "evals.attacks.files.inside"
_CAP_MB = 8
_PATIENCE_S = 20.0
_READS = 3000  # of each kind of race
_LEAST_SEEN = 3


@dataclass(frozen=True)
class _Stage:
    """A throw-away folder of the host with a decoy in it."""

    folder: Path
    marker: bytes

    @property
    def decoy(self) -> Path:
        return self.folder / "decoy"

    def build(self) -> None:
        self.decoy.mkdir()
        (self.decoy / "secret").write_bytes(self.marker)

    def disturbed(self) -> str:
        """What was done to the decoy; "" for nothing."""
        if [path.name for path in self.decoy.iterdir()] != ["secret"]:
            return "a file was written outside"
        if (self.decoy / "secret").read_bytes() != self.marker:
            return "a file outside was overwritten"
        return ""


def run(bench: Workbench) -> Iterator[Finding]:
    """Every probe against labcrew's own readers."""
    with TemporaryDirectory(prefix="labcrew-attack-") as name:
        stage = _Stage(Path(name), b"DECOY-" + secrets.token_hex(16).encode())
        stage.build()
        yield from _outputs(bench, stage)
        yield from _host(bench, stage)
        yield from _races(bench, stage)
    yield from parsed(bench)


def control(bench: Workbench) -> Iterator[Finding]:
    """The same files, read as a careless program does, inside a container."""
    tried = {f"{way}: {p.name}": p.tried for p in PLANTS for way in ("outputs", "host")}
    tried |= {f"archive: {name}": words for name, (words, _) in tars.TARS.items()}
    with sandbox(bench, "naive", kit(_MODULES)) as box:
        said = done(bench, box, (*PYTHON, _PROGRAM, "naive", "/workspace/naive"), timeout_s=180)
    for line in said.splitlines():
        probe, wrong = json.loads(line)
        yield Finding(
            probe=probe,
            tried=tried.get(probe, "a link that takes a component's place"),
            happened=wrong or "nothing",
            verdict="breached" if wrong else "held",
        )


def _outputs(bench: Workbench, stage: _Stage) -> Iterator[Finding]:
    """A sandbox's own files, by the engine's tar; then archives made in it."""
    with sandbox(bench, "files", kit(_MODULES)) as box:
        decoy = str(stage.decoy)
        done(bench, box, (*PYTHON, _PROGRAM, "plant", "/workspace/planted", decoy))
        done(bench, box, (*PYTHON, _PROGRAM, "tars", "/workspace/tars", decoy))
        for plant in PLANTS:
            inside = f"planted/{folder_of(plant.name)}"

            def collect(out: Path, inside: str = inside) -> None:
                bench.sandboxes.collect(box, inside, out, _CAP_MB)

            def each(name: str, inside: str = inside) -> bytes:
                return bench.sandboxes.read_file(box, f"{inside}/{name}", _CAP_MB)

            yield _judged(stage, f"outputs: {plant.name}", plant.tried, collect, plant.reads, each)
        for name, (tried, _) in tars.TARS.items():
            data = bench.sandboxes.read_file(box, f"tars/{folder_of(name)}.tar", 64)

            def take(out: Path, data: bytes = data) -> None:
                files.take([data], out, cap_mb=_CAP_MB)

            def one(path: str, data: bytes = data) -> bytes:
                return files.single([data], path, _CAP_MB)

            yield _judged(stage, f"archive: {name}", tried, take, ("x",), one)


def _host(bench: Workbench, stage: _Stage) -> Iterator[Finding]:
    """The same files where they lie on the host, by the one reader."""
    tree = stage.folder / "tree"
    command = ("python3", "-m", _PROGRAM, "plant", str(tree), str(stage.decoy))
    with writer(bench, stage.folder, _MODULES, command) as ended:
        ended()
    try:
        for plant in PLANTS:
            yield _judged_on_host(stage, plant, tree / folder_of(plant.name))
    finally:
        # By a container too: a path 3,000 deep is more than Python's own removal stands.
        clear = f"chmod -R u+rwx '{tree}'; rm -rf '{tree}'"
        with writer(bench, stage.folder, _MODULES, ("sh", "-c", clear)) as ended:
            ended()


def _judged_on_host(stage: _Stage, plant: Plant, at: Path) -> Finding:
    return _judged(
        stage, f"host: {plant.name}", plant.tried,
        lambda out: beneath.copied(at, out), plant.reads,
        lambda name: beneath.read(at, name, _CAP_MB << 20),
    )  # fmt: skip


def _judged(
    stage: _Stage,
    probe: str,
    tried: str,
    whole: Callable[[Path], object],
    names: tuple[str, ...],
    one: Callable[[str], bytes],
) -> Finding:
    """Reads all of it and each name alone; whatever came out must do no harm."""
    began = time.monotonic()
    told: list[str] = []
    wrong = ""
    with TemporaryDirectory(dir=stage.folder) as name:
        out = Path(name, "out")
        try:
            whole(out)
        except LabcrewError as error:
            told.append(error.message)
        wrong = harm(out, stage.marker) if out.exists() else ""
        if {path.name for path in Path(name).iterdir()} - {"out"}:
            wrong = "a file was left beside the outputs"
    for path in names:
        try:
            content = one(path)
        except LabcrewError as error:
            told.append(error.message)
            continue
        if stage.marker in content or b"root:" in content or len(content) > _CAP_MB << 20:
            wrong = f"{path!r} was read"
    wrong = wrong or stage.disturbed()
    if time.monotonic() - began > _PATIENCE_S:
        wrong = f"it took more than {_PATIENCE_S:g} s"
    happened = wrong or (told[0] if told else "only plain files came through")
    return _finding(probe, tried, happened, "breached" if wrong else "held")


def _races(bench: Workbench, stage: _Stage) -> Iterator[Finding]:
    """Links that come and go while the one reader reads, thousands of times."""
    for kind in races.KINDS:
        scene = races.Scene(stage.folder / f"race {kind}")
        scene.build(stage.marker.decode())
        command = ("python3", "-m", _PROGRAM, "race", str(scene.folder), kind)
        with writer(bench, stage.folder, _MODULES, command):
            yield _race(scene, kind, stage.marker)


def _race(scene: races.Scene, kind: str, marker: bytes) -> Finding:
    deadline = time.monotonic() + _PATIENCE_S
    while not (scene.folder / "ready").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    honest = refused = escapes = 0
    path = str(scene.target.relative_to(scene.tree))
    while time.monotonic() < deadline:
        if honest + refused >= _READS and min(honest, refused) >= _LEAST_SEEN:
            break
        try:
            content = beneath.read(scene.tree, path)
            honest += content == b"honest"
            escapes += marker in content
            if (honest + refused) % 20 == 0:
                found = list(beneath.listed(scene.tree))
                escapes += any(file.size_bytes == len(marker) for file in found)
        except LabcrewError:
            refused += 1
    tried = f"a link swapped in ({kind}) during {honest + refused + escapes:,} reads"
    happened = f"{escapes} escapes, {honest:,} honest reads, {refused:,} refused"
    verdict: Verdict = "breached" if escapes else "held"
    if not escapes and (min(honest, refused) < _LEAST_SEEN or honest + refused < _READS):
        verdict = "unknown"
    return _finding(f"race: {kind}", tried, happened, verdict)


def _finding(probe: str, tried: str, happened: str, verdict: Verdict) -> Finding:
    return Finding(probe=probe, tried=tried, happened=happened[:300], verdict=verdict)


FILES = Part(
    name="files",
    title="files crossing to the host",
    run=run,
    control=control,
    least_tried=140,
    least_breached=70,
)
