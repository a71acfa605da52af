"""`python -m twinpack.api` prints the OpenAPI document, of which the web app's types are made."""

from __future__ import annotations

import json
import sys

from twinpack.api.app import make_routes

if __name__ == "__main__":
    sys.stdout.write(json.dumps(make_routes().openapi(), indent=1, ensure_ascii=False) + "\n")
