"""Tasks: declarations of the models of their lives."""

from __future__ import annotations

from transforms.declarations import Model

TASK_MODELS: tuple[Model, ...] = ()
