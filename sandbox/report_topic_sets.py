"""The reports of topics: which conversations have them."""

from collections.abc import Iterator
from typing import NamedTuple

from sandbox.report_cells import (
    CHANNEL,
    INBOXES,
    TIMEZONE,
    Columns,
    Row,
    bucket,
    count,
    distinct,
    key,
    name_of_key,
)
from sandbox.report_conversation_sets import created_conversations
from sandbox.report_conversations import Conversation
from sandbox.report_rows import grouped, in_channel, summed
from sandbox.reports import MetricSet, ReportScope, ReportSources

_OF_CONTACTS = frozenset({"channel", "inboxes"})


class _Topic(NamedTuple):
    """One topic of one conversation."""

    id: str
    conversation: Conversation


def _topics(scope: ReportScope, sources: ReportSources) -> Iterator[_Topic]:
    for one in created_conversations(scope, sources):
        if scope.choice.channel is None or any(in_channel(scope, chan) for chan in one.channels):
            for topic_id in one.topics:
                yield _Topic(topic_id, one)


def _topic_id(topic: _Topic) -> str:
    return topic.id


def _parent_name(row: Row[_Topic]) -> str:
    return row.name(row.sources.present.parents.get(row.key, ""))


_TOPICS: Columns = {
    "Topic ID": key,
    "Topic Name": name_of_key,
    "Conversations": count(),
    "Unique Customers": distinct(lambda topic: topic.conversation.customer_id),
}

# No public page shows these two; their columns are by analogy.
TOPIC_SUMMARY = MetricSet(
    columns={**TIMEZONE, **CHANNEL, **INBOXES, **_TOPICS},
    records=summed(_topics, _topic_id),
    filters=_OF_CONTACTS,
)
TOPIC_HIERARCHY = MetricSet(
    columns={
        **TIMEZONE,
        **CHANNEL,
        **INBOXES,
        "Date": bucket,
        "Parent Topic Name": _parent_name,
        **_TOPICS,
    },
    records=grouped(_topics, lambda topic: topic.conversation.created_at, _topic_id),
    filters=_OF_CONTACTS,
    has_levels=True,
)
