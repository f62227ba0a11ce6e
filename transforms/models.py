"""Every model: those of each subject, which are declared in a module of its own."""

from __future__ import annotations

from transforms.agents import AGENT_MODELS
from transforms.calendar import CALENDAR_MODELS
from transforms.changes import (
    BUILT_FILES,
    BUILT_IDENTITIES,
    CHANGE_MODELS,
    CONVERSATION_SLICES,
    built_with,
)
from transforms.contacts import CONTACT_MODELS
from transforms.conversation_marts import CONVERSATION_MART_MODELS
from transforms.conversations import CONVERSATION_MODELS
from transforms.customers import CUSTOMER_MODELS
from transforms.identities import IDENTITY_MODELS
from transforms.reconciliation import RECONCILIATION_MODELS
from transforms.tasks import TASK_MODELS
from transforms.topics import TOPIC_MODELS
from transforms.volume import VOLUME_MODELS

MODELS = (
    *IDENTITY_MODELS,
    *CALENDAR_MODELS,
    *CHANGE_MODELS,
    CONVERSATION_SLICES,
    *CONVERSATION_MODELS,
    *CONVERSATION_MART_MODELS,
    *CONTACT_MODELS,
    *AGENT_MODELS,
    *CUSTOMER_MODELS,
    *TOPIC_MODELS,
    *VOLUME_MODELS,
    *TASK_MODELS,
    *RECONCILIATION_MODELS,
)

# what the next build compares with: filled when all others are built
SEEN_MODELS = (BUILT_FILES, BUILT_IDENTITIES, built_with(MODELS))
