"""Our figures beside Gladly's own: declarations of the models that compare them."""

from __future__ import annotations

from transforms.declarations import Model

RECONCILIATION_MODELS: tuple[Model, ...] = ()
