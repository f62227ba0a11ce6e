"""The custom attributes (freeform topics) that conversations of the world carry."""

from typing import Any

from sandbox.identifiers import identifier

# The events tell an attribute's id and key; its label and whether it is in use are told here.
_ATTRIBUTES = (
    ("orderId", "Order ID", False),
    ("loyaltyTier", "Loyalty tier", True),
    ("größe", "Größe", False),
)


def custom_attribute_records(seed: int, created_by: str) -> list[dict[str, Any]]:
    """Return the custom attributes as Get Custom Attribute shows them."""
    return [
        {
            "id": identifier(seed, "custom attribute", number),
            "key": key,
            "label": label,
            "deactivated": deactivated,
            "createdAt": f"2025-0{number + 1}-20T15:00:00.000Z",
            "createdBy": created_by,
        }
        for number, (key, label, deactivated) in enumerate(_ATTRIBUTES)
    ]
