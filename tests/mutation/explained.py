"""Mutants that survive because they change nothing that can be seen, and why: place -> change -> reason."""

from __future__ import annotations

EQUIVALENT: dict[str, dict[str, str]] = {}
