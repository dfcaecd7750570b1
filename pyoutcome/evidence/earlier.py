"""The records as a supplier had them: the same files, before others came.

Records of a source may lie in many files, one a month or a day. A supplier signs what was there when it measured; a
verifier that looks later has more. Then the supplier's claim is held against exactly its files, found by digest among
the verifier's own, and its values, besides, against all records there are now.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pyoutcome.evidence.recomputation import Recomputation
from pyoutcome.evidence.sources.finding import find_files
from pyoutcome.evidence.staged import Given, SourceDigest


def read_earlier(own: Recomputation, told: Sequence[SourceDigest]) -> Recomputation | None:
    """One's own reading of only the files that ``told`` names; None if it names any that one has not, or all.

    ``told``: the sources of a bundle, in the agreement's order. Kept with ``own``, one for each set of files. Raises
    EvidenceError for records that do not hold.
    """
    chosen: dict[str, Given] = {}
    for source, theirs in zip(own.sources, told, strict=True):
        if source != theirs:
            found = _choose(own.records[source.name], source, theirs)
            if found is None:
                return None
            chosen[source.name] = found
    if not chosen:
        return None
    key = tuple(source.sha256 for source in told)
    if key not in own.earlier:
        own.earlier[key] = Recomputation.read(own.agreement, {**own.records, **chosen}, own.limits, own.engine)
    return own.earlier[key]


def _choose(given: Given, source: SourceDigest, told: SourceDigest) -> list[Path] | None:
    """The paths of the files that ``told`` names, if all of them are among those of ``source``."""
    wanted = Counter(file.sha256 for file in told.files)
    if not wanted or wanted - Counter(file.sha256 for file in source.files):
        return None
    each = [given] if isinstance(given, str | Path) else given
    if any(isinstance(one, str) and "://" in one for one in each):
        return None  # files fetched from an address have no path that stays
    with tempfile.TemporaryDirectory() as folder:
        paths = find_files(source.name, given, Path(folder))
    if [path.name for path in paths] != [file.name for file in source.files]:
        return None  # files have come or gone since they were read
    chosen = []
    for path, file in zip(paths, source.files, strict=True):
        if wanted[file.sha256]:
            wanted[file.sha256] -= 1
            chosen.append(path)
    return chosen
