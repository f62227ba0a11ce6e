"""Customers: declarations of the models of who they are and what they went through."""

from __future__ import annotations

from transforms.declarations import Model

CUSTOMER_MODELS: tuple[Model, ...] = ()
