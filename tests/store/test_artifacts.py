from __future__ import annotations

import math
from pathlib import Path

import pytest

from twinpack.errors import NotFoundError, WorkspaceError
from twinpack.store.artifacts import ModelArtifacts
from twinpack.store.registry import Registry

MODEL = {"model": "thevenin-2rc", "mean": [50.0, 1.0], "noise_v": 0.1}


def test_an_artifact_comes_back_as_it_was_saved(tmp_path: Path, registry: Registry) -> None:
    artifacts = ModelArtifacts(tmp_path, registry)
    digest = artifacts.save(MODEL, pack="sim", card={"trips": 12})
    assert artifacts.load(digest) == MODEL
    latest = artifacts.latest("sim")
    assert latest is not None
    assert (latest.hash, latest.pack, latest.card) == (digest, "sim", {"trips": 12})


def test_equal_content_has_one_hash_whatever_its_order(tmp_path: Path, registry: Registry) -> None:
    artifacts = ModelArtifacts(tmp_path, registry)
    first = artifacts.save(MODEL, pack="sim")
    assert artifacts.save(dict(reversed(MODEL.items())), pack="sim") == first
    assert artifacts.save({**MODEL, "noise_v": 0.2}, pack="sim") != first
    assert len(list(tmp_path.iterdir())) == 2


def test_the_latest_is_of_the_pack_and_kind_asked_for(tmp_path: Path, registry: Registry) -> None:
    artifacts = ModelArtifacts(tmp_path, registry)
    old = artifacts.save(MODEL, pack="sim")
    new = artifacts.save({**MODEL, "noise_v": 0.2}, pack="sim")
    other = artifacts.save({**MODEL, "noise_v": 0.3}, pack="lfp", kind="anomaly")
    assert [record.hash for record in [artifacts.latest("sim")] if record] == [new]
    assert artifacts.latest("lfp") is None
    assert [record.hash for record in [artifacts.latest(kind="anomaly")] if record] == [other]
    artifacts.save(MODEL, pack="sim")
    assert [record.hash for record in [artifacts.latest("sim")] if record] == [old]


def test_an_altered_artifact_is_not_loaded(tmp_path: Path, registry: Registry) -> None:
    artifacts = ModelArtifacts(tmp_path, registry)
    digest = artifacts.save(MODEL, pack="sim")
    path = tmp_path / f"{digest}.json"
    path.write_text(path.read_text().replace("50.0", "60.0"))
    with pytest.raises(WorkspaceError, match="altered or damaged"):
        artifacts.load(digest)


@pytest.mark.parametrize("digest", ["0" * 64, "../../etc/passwd", ""])
def test_an_unknown_artifact_is_named(tmp_path: Path, registry: Registry, digest: str) -> None:
    with pytest.raises(NotFoundError):
        ModelArtifacts(tmp_path, registry).load(digest)


def test_a_model_without_numbers_is_not_saved(tmp_path: Path, registry: Registry) -> None:
    with pytest.raises(ValueError, match="Out of range float"):
        ModelArtifacts(tmp_path, registry).save({"mean": math.nan}, pack="sim")
    assert list(tmp_path.iterdir()) == []
