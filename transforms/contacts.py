"""Contacts: declarations of the models of what was asked, answered and how fast."""

from __future__ import annotations

from transforms.declarations import Model

CONTACT_MODELS: tuple[Model, ...] = ()
