"""Put the web app into every wheel and source archive; a wheel without it is not made."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WebAppHook(BuildHookInterface):
    """Builds `web/` when the built app is missing or older than its sources; for editable installs too."""

    def dependencies(self) -> list[str]:
        """Node, only when there is something to build."""
        app = self._app()
        return [] if os.environ.get(app.PREBUILT) or app.is_fresh() else [app.NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build, or fail the whole build."""
        self._app().build()

    def _app(self) -> ModuleType:
        path = Path(self.root) / "web" / "app.py"
        spec = importlib.util.spec_from_file_location("twinpack_web_app", path)
        if spec is None or spec.loader is None:
            raise RuntimeError(f"{path} cannot be read")
        app = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(app)
        return app
