"""The pages made of declarations are up to date, whole, and lead where they say."""

import re
from pathlib import Path

import pytest

from pipelines.gladly_tables import GLADLY_TABLES
from sources.tables.declarations import TableSchema
from tests.documentation import dictionary, entities, generated, pages
from tests.documentation.api_fields import FIELDS
from tests.documentation.markdown import block, prose
from tests.documentation.model_pages import header_of
from transforms.models import MODELS

MADE = generated.generated_pages()
ALL_PAGES = sorted(
    {"README.md", "PROMISES.md", "DECISIONS.md", *MADE}
    | {path.relative_to(pages.ROOT).as_posix() for path in (pages.ROOT / "docs").glob("*.md")}
)
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
COMMON = {column.name for column in dictionary.COMMON}
MERMAID_LINE = re.compile(
    r"erDiagram|flowchart LR|  \w+ \{|    (?:text|integer|timestamp|date) \w+ [PF]K(?:, FK)?|  \}|"
    r'  \w+ (?:\|\||\|o)(?:--|\.\.)o[|{] \w+ : "\w+(?:, \w+)*"|'
    r"  subgraph \w+|    \w+|  end|  \w+ --> \w+"
)


def anchors(page: str) -> set[str]:
    """Return where links into a page can lead, as code hosts name its headings."""
    headings = re.findall(r"^#+ (.*)$", FENCED.sub("", page), re.MULTILINE)
    plain = (re.sub(r"\[(.*?)\]\(.*?\)", r"\1", heading) for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain}


def described(table: TableSchema) -> str:
    """Return what the dictionary says of a table."""
    sections = re.split(r"^## ", MADE[dictionary.PLACES[table.name].path], flags=re.MULTILINE)
    (section,) = (text for text in sections if text.startswith(f"{table.name}\n"))
    return section


@pytest.mark.parametrize("path", MADE)
def test_a_page_says_what_the_declarations_say(path: str) -> None:
    page = pages.ROOT / path
    assert page.is_file(), "make it with `make docs`"
    assert page.read_text("utf-8") == MADE[path], "renew it with `make docs`"


def test_no_page_is_left_of_what_is_declared_no_more() -> None:
    assert generated.pages_on_disk() <= MADE.keys()


@pytest.mark.parametrize("path", ALL_PAGES)
def test_links_within_the_project_lead_somewhere(path: str) -> None:
    page = pages.ROOT / path
    links = LINK.findall(FENCED.sub("", page.read_text("utf-8")))
    for target in links:
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        found: Path = (page.parent / file) if file else page
        assert found.exists(), target
        if anchor:
            assert anchor in anchors(found.read_text("utf-8")), target


def test_every_raw_table_is_described_once() -> None:
    tables = [table.name for subject in dictionary.SUBJECTS for table in subject.tables]
    assert sorted(tables) == sorted(table.name for table in GLADLY_TABLES)


@pytest.mark.parametrize("table", GLADLY_TABLES, ids=lambda table: table.name)
def test_every_column_is_described_with_its_table_or_once_for_all(table: TableSchema) -> None:
    shown = re.findall(r"^\| `(\w+)` \|", described(table), re.MULTILINE)
    said_once = COMMON | (set(table.key) if table.name.startswith("report_") else set())
    assert len(shown) == len(set(shown))
    assert set(shown) | said_once >= set(table.columns_by_name)
    assert set(shown) <= set(table.columns_by_name)


@pytest.mark.parametrize(
    ("table", "column", "field"),
    [
        ("conversation_items", "initiator_id", "`initiator.id`"),
        ("conversation_items", "content_type", "`content.type`"),
        ("emails", "id", "`id`"),
        ("emails", "from_address", "`content.from`"),
        ("item_attachments", "filename", "`content.attachments[].filename`"),
        ("email_recipients", "address", "`content.<kind>[]`"),
        (
            "topic_change_topics",
            "topic_id",
            "`content.addedTopicIds[]`, `content.removedTopicIds[]`",
        ),
        ("customer_external_ids", "adaptor_id", "`externalCustomerIds.<adaptor_id>`"),
        (
            "customer_external_ids",
            "external_customer_id",
            "`externalCustomerId`, `externalCustomerIds.<adaptor_id>`",
        ),
        ("business_hours_blocks", "start_time", "`officeHours.<weekday>[].start`"),
        ("contact_events", "assignee_agent_id", "`content.assignee.agentId`"),
        ("team_agent_history", "agent_id", "`team_agents.agent_id`"),
        ("report_agent_summary_v2", "bucket_beginning_local", "`Bucket Beginning`"),
        ("work_session_events", "agent_id", "`agent_id`"),
    ],
)
def test_where_a_column_comes_from(table: str, column: str, field: str) -> None:
    assert FIELDS[table][column] == field


def test_every_column_that_gladly_sends_names_its_field() -> None:
    made_here = {"position", "origin", "deleted_at", "raw", "valid_from", "valid_to", "window_id"}
    labels = {"kind", "action", "weekday", "state"}
    missing = {
        (table.name, column)
        for table in GLADLY_TABLES
        if table.name in FIELDS
        for column in table.columns_by_name.keys() - FIELDS[table.name].keys()
        if column not in COMMON | made_here | labels
    }
    assert missing == set()


def test_what_sql_says_at_its_beginning_is_told_apart() -> None:
    sql = (
        "-- One row is a day.\n-- Key: day.\n-- Answers: was it open? How\n-- long? Nothing: no "
        "row.\n--\n-- Days are *local*,\n-- `a | b`:\n--\n--   a -> b\n--\n--     -> c\n--\n"
        "-- and so on.\nSELECT\n-- not this\n1"
    )
    header = header_of(sql)
    assert header.row == "a day"
    assert header.questions == ("Was it open?", "How long?")
    assert header.notes == (
        "Nothing: no row.",
        "Days are \\*local\\*, `a \\| b`:",
        block("text", "a -> b\n\n  -> c"),
        "and so on.",
    )


def test_prose_shows_what_is_written() -> None:
    assert prose("_extra of a_b < 2 * [x](y) in `_a`") == (
        "\\_extra of a_b \\< 2 \\* \\[x](y) in `_a`"
    )


@pytest.mark.parametrize(
    ("model", "column", "named"),
    [
        ("messages", "conversation_id", "conversation_facts"),
        ("conversation_facts", "conversation_id", "conversations"),
        ("conversation_timeline", "sent_conversation_id", "conversations"),
        ("conversation_identities", "conversation_id", "conversations"),
        ("conversation_identities", "resolved_conversation_id", "conversation_facts"),
        ("agent_days", "agent_id", "agents"),
        ("topic_hierarchy", "root_topic_id", "topics"),
        ("contacts", "contact_id", "contacts"),
        ("messages", "author_id", ""),
    ],
)
def test_whose_row_an_id_of_a_model_names(model: str, column: str, named: str) -> None:
    assert entities.referenced_by_model(model, column) == named


def test_every_id_of_a_raw_table_is_known_to_name_a_row_or_none() -> None:
    ids = {
        column
        for table in GLADLY_TABLES
        if not table.name.startswith("report_")
        for column in table.columns_by_name
        if column.endswith("_id") and not column.startswith("_")
    }
    assert {name for name in ids if not entities.referenced(name)} == entities.NO_REFERENCE
    tables = {table.name for table in GLADLY_TABLES}
    assert {*entities.REFERENCES.values(), *entities.OVERVIEW} <= tables
    columns = {model.name: model.table.columns_by_name for model in MODELS}
    assert set(entities.MODEL_REFERENCES.values()) <= columns.keys()
    assert all(
        column in columns[model] and column in entities.MODEL_REFERENCES
        for model, column in entities.NOT_RESOLVED
    )


def test_every_raw_table_and_model_stands_in_a_diagram() -> None:
    diagrams = pages.blocks(MADE[entities.PAGE], "mermaid")
    drawn = {
        name for diagram in diagrams for name in re.findall(r"^  (\w+) \{", diagram, re.MULTILINE)
    }
    raw = {table.name for table in GLADLY_TABLES if table.parent != "report_windows"}
    assert drawn == raw | {model.name for model in MODELS}


def test_diagrams_are_made_of_lines_that_mermaid_knows() -> None:
    for diagram in pages.blocks(MADE[entities.PAGE], "mermaid"):
        for line in diagram.splitlines():
            assert MERMAID_LINE.fullmatch(line), line
