"""Model artifacts: canonical JSON under the SHA-256 of its bytes. What is loaded is what was saved, or nothing is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twinpack.errors import NotFoundError, WorkspaceError
from twinpack.store.files import write_atomic
from twinpack.store.records import ModelRecord, canonical_json, sha256_text
from twinpack.store.registry import Registry

_HASH = re.compile(r"[0-9a-f]{64}")


class ModelArtifacts:
    """The models of a workspace: files in a folder, their cards in the registry."""

    def __init__(self, folder: Path, registry: Registry) -> None:
        """Keep artifacts in `folder`, which exists."""
        self._folder = folder
        self._registry = registry

    def save(
        self,
        artifact: Mapping[str, Any],
        *,
        pack: str,
        kind: str = "prototype",
        card: Mapping[str, Any] | None = None,
    ) -> str:
        """Save an artifact (JSON values) and enter it in the registry.

        Args:
            artifact: The model; equal content has equal hash.
            pack: The pack it was learned for.
            kind: What it is.
            card: What people should know of it: data, errors, date.

        Returns:
            Its content hash.

        Raises:
            ValueError: A number is NaN or infinite.
        """
        text = canonical_json(artifact)
        digest = sha256_text(text)
        path = self._path(digest)
        if not path.exists():
            write_atomic(path, text.encode())
        self._registry.add_model(digest, pack, kind, card or {})
        return digest

    def load(self, digest: str) -> dict[str, Any]:
        """The artifact with a content hash.

        Raises:
            NotFoundError: There is none.
            WorkspaceError: Its file was altered or damaged.
        """
        path = self._path(digest)
        if not path.is_file():
            raise NotFoundError(f"model {digest[:12]} is not in {self._folder}; `twinpack learn model` makes one")
        text = path.read_text(encoding="utf-8", errors="replace")
        if sha256_text(text) != digest:
            raise WorkspaceError(f"{path} was altered or damaged: its content does not match its hash; restore it")
        loaded: dict[str, Any] = json.loads(text)
        return loaded

    def latest(self, pack: str | None = None, kind: str = "prototype") -> ModelRecord | None:
        """The model saved last, of one pack when it is named; None when there is none."""
        return next((record for record in self._registry.models(pack) if record.kind == kind), None)

    def _path(self, digest: str) -> Path:
        if not _HASH.fullmatch(digest):
            raise NotFoundError(f"{digest!r} is not the hash of a model (64 hex digits)")
        return self._folder / f"{digest}.json"
