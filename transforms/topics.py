"""Topics and channels: declarations of the models of why customers write, and where."""

from __future__ import annotations

from transforms.declarations import Model

TOPIC_MODELS: tuple[Model, ...] = ()
