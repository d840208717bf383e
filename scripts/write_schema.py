"""Write config/config.schema.yaml from the config's models; run by hand after a change of them (`make schema`)."""

from __future__ import annotations

from pathlib import Path

import yaml

from cartrace.config import schema

if __name__ == "__main__":
    target = Path(__file__).parents[1] / "config" / "config.schema.yaml"
    head = "# Generated from scripts/cartrace/config/ by `make schema`; edit there.\n"
    target.write_text(head + yaml.safe_dump(schema(), sort_keys=False, allow_unicode=True, width=100), encoding="utf-8")
