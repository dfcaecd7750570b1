"""The lock files name every dependency by hash, and no place it came from."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = ("requirements-build.txt", "requirements.txt", "requirements-dev.txt", "requirements-mutation.txt")
# An environment of its own, which may have other versions.
ANALYSIS = "requirements-analysis.txt"
# An environment of its own, because it is large; what the others have too has the same version.
SPARK = "requirements-spark.txt"


def locked(name: str) -> dict[str, str]:
    """Text of each requirement, joined to one line, by package; a package may have one per Python version."""
    text = (ROOT / name).read_text().replace("\\\n", " ")
    found: dict[str, str] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            package = re.split(r"[=\[ ;]", line)[0]
            found[package] = found.get(package, "") + line
    return found


def package_of(requirement: str) -> str:
    return re.split(r"[\[<>=!~ ;]", requirement)[0].lower().replace("_", "-")


def group(name: str) -> set[str]:
    return {package_of(entry) for entry in PROJECT["dependency-groups"][name] if isinstance(entry, str)}


@pytest.mark.parametrize("name", [*LOCKS, ANALYSIS, SPARK])
def test_every_python_package_is_pinned_with_hashes_and_without_an_address(name: str) -> None:
    requirements = locked(name)
    assert requirements
    for line in requirements.values():
        assert re.match(r"[a-z0-9-]+(\[[a-z0-9,-]+\])?==\S+ .*--hash=sha256:[0-9a-f]{64}", line), line
    assert "://" not in (ROOT / name).read_text()


def test_the_locks_have_what_the_project_names() -> None:
    runtime = {package_of(entry) for entry in PROJECT["project"]["dependencies"]}
    optional = PROJECT["project"]["optional-dependencies"]
    demo = {package_of(entry) for entry in optional["demo"]}
    others = {package_of(entry) for name in optional.keys() - {"spark"} for entry in optional[name]}
    build = group("build")
    assert build <= locked("requirements-build.txt").keys()
    assert runtime | demo | build <= locked("requirements.txt").keys()
    assert runtime | others | build | group("dev") <= locked("requirements-dev.txt").keys()
    assert locked("requirements-dev.txt").keys() | group("mutation") <= locked("requirements-mutation.txt").keys()
    assert group("analysis") <= locked(ANALYSIS).keys()
    spark = {package_of(entry) for entry in optional["spark"]}
    engines = {package_of(entry) for entry in optional["postgresql"]}
    assert runtime | demo | engines | spark | build | group("engines") <= locked(SPARK).keys()


def test_all_sets_pin_the_same_versions() -> None:
    whole = locked("requirements-mutation.txt")
    for name in (*LOCKS, SPARK):
        for package, line in locked(name).items():
            if name == SPARK and package not in whole:
                continue
            assert re.findall(r"==(\S+)", whole[package]) == re.findall(r"==(\S+)", line), package


def test_test_tools_are_not_what_users_get() -> None:
    assert set() == locked("requirements.txt").keys() & (group("dev") - group("build"))


def test_every_npm_package_has_its_hash_and_no_address() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text())
    wanted = json.loads((ROOT / "package.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    for name, entry in packages.items():
        assert re.fullmatch(r"sha512-[A-Za-z0-9+/]{86}==", entry["integrity"]), name
        assert "resolved" not in entry, name
    for name, version in (wanted["dependencies"] | wanted["optionalDependencies"]).items():
        assert version == packages[f"node_modules/{name}"]["version"]
