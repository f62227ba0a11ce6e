"""The reference lists: faithful to the schemas, changing with the clock and when a test says so."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import httpx
import jsonschema
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox import Sandbox, SandboxSettings, WorldSettings
from sandbox.reference_history import REFERENCE_KINDS, Change, ReferenceKind, records_at
from sandbox.webhooks import WEBHOOK_SECRETS

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
DEFINITIONS = orjson.loads(
    (Path(__file__).parents[1] / "reference" / "gladly-schemas.json").read_bytes()
)["$defs"]
LISTS: dict[ReferenceKind, str] = {
    "agents": "Agent",
    "audiences": "Audience",
    "business-hours": "BusinessHours",
    "inboxes": "Inbox",
    "teams": "Team",
    "topics": "Topic",
    "webhooks": "Webhook",
}
Record = dict[str, Any]


def conforms(record: object, schema: str) -> None:
    validator = jsonschema.Draft202012Validator({"$ref": f"#/$defs/{schema}", "$defs": DEFINITIONS})
    validator.validate(record)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    world = WorldSettings(items=300, days=4, first_day=MIDNIGHT.date())
    with Sandbox(SandboxSettings(world=world, requests_per_second=1000)) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=f"{sandbox.base_url}/api/v1", auth=(sandbox.email, sandbox.api_token)
    ) as talking:
        yield talking


def records(client: httpx.Client, path: str) -> list[Record]:
    answer = client.get(path)
    assert answer.status_code == 200
    found: list[Record] = answer.json()
    return found


def names(client: httpx.Client, path: str) -> list[str]:
    return [record["name"] for record in records(client, path)]


def refused(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status
    conforms(answer.json(), "Errors")
    assert [error["code"] for error in answer.json()["errors"]] == [code]


@pytest.mark.parametrize(("kind", "schema"), LISTS.items(), ids=LISTS)
def test_each_list_conforms_to_its_schema_and_shows_every_field(
    client: httpx.Client, kind: ReferenceKind, schema: str
) -> None:
    listed = records(client, f"/{kind}")
    fields = set().union(*listed)
    for record in listed:
        conforms(record, schema)
    assert fields == set(DEFINITIONS[schema]["properties"])


@pytest.mark.parametrize("kind", sorted(set(LISTS) - {"audiences"}))
def test_a_single_record_is_what_the_list_shows_and_another_id_does_not_exist(
    client: httpx.Client, kind: ReferenceKind
) -> None:
    for record in records(client, f"/{kind}"):
        assert client.get(f"/{kind}/{record['id']}").json() == record
    refused(client.get(f"/{kind}/nobody"), 404, "not_exist")


def test_agents_and_topics_are_those_of_the_exports(sandbox: Sandbox, client: httpx.Client) -> None:
    assert records(client, "/agents") == list(sandbox.world.agents)
    assert records(client, "/topics") == list(sandbox.world.topics)
    assert records(client, "/inboxes") == list(sandbox.world.inboxes)


def test_the_lists_refer_to_each_other(sandbox: Sandbox, client: httpx.Client) -> None:
    agents = {agent["id"] for agent in records(client, "/agents")}
    topics = {topic["id"] for topic in records(client, "/topics")}
    audiences = {audience["id"] for audience in records(client, "/audiences")}
    for team in records(client, "/teams"):
        assert agents.issuperset(team["agentIds"])
    for topic in records(client, "/topics"):
        assert topic.get("parentId") in {None, *topics}
    for answer in sandbox.reference("answers"):
        assert audiences.issuperset(answer["audienceIds"])


def test_business_hours_have_one_primary_configuration_several_blocks_and_exceptions(
    client: httpx.Client,
) -> None:
    configurations = records(client, "/business-hours")
    assert [one["primary"] for one in configurations] == [True, False, False]
    hours = configurations[0]["officeHours"]
    assert hours["saturday"] == [
        {"start": "9:30", "stop": "12:00"},
        {"start": "13:00", "stop": "15:00"},
    ]
    assert [len(one.get("scheduleBlocks", ())) for one in hours["exceptions"]] == [0, 2]
    assert configurations[2]["officeHours"] == {"timezone": "UTC"}


def test_webhooks_carry_the_secrets_that_a_client_must_not_store(client: httpx.Client) -> None:
    text = client.get("/webhooks").text
    assert all(secret in text for secret in WEBHOOK_SECRETS)


def test_the_custom_attributes_of_the_events_can_be_looked_up(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    added = [
        event.record["content"]
        for event in sandbox.events.events(MIDNIGHT, MIDNIGHT + 96 * HOUR)
        if event.record["type"] == "CONVERSATION/CUSTOM_ATTRIBUTE_ADDED"
    ]
    assert {content["customAttributeKey"] for content in added} == {
        "orderId",
        "loyaltyTier",
        "größe",
    }
    for content in added:
        answer = client.get(f"/custom-attributes/{content['customAttributeId']}")
        conforms(answer.json(), "CustomAttribute")
        assert answer.json()["key"] == content["customAttributeKey"]
    refused(client.get("/custom-attributes/:customAttributeId"), 404, "not_exist")
    assert client.get("/custom-attributes").status_code == 404


def public_answers(client: httpx.Client, **query: str) -> list[Record]:
    organization = client.get("/organization").json()
    conforms(organization, "Organization")
    answer = client.get(f"/orgs/{organization['id']}/answers", params=query)
    found: list[Record] = answer.json()
    return found


def test_public_answers_are_listed_by_name_language_and_audience(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    everything = public_answers(client)
    for answer in everything:
        conforms(answer, "PublicAnswer")
    shown = [answer["name"] for answer in everything]
    assert len(shown) > 3
    assert shown == sorted(shown)
    assert {answer["language"] for answer in everything} == {"en-us"}
    assert {answer["language"] for answer in public_answers(client, lng="es-419")} == {"es-419"}
    audience = sandbox.reference("audiences")[2]["id"]
    narrowed = public_answers(client, audienceId=audience)
    assert [answer["name"] for answer in narrowed] == ["Prices for wholesale"]


def test_one_public_answer_a_search_and_titles_show_the_same_as_the_list(
    client: httpx.Client,
) -> None:
    first = public_answers(client)[0]
    organization = client.get("/organization").json()["id"]
    title = {"id": first["id"], "name": first["name"]}
    assert client.get(f"/orgs/{organization}/answers/{first['id']}").json() == first
    found = client.get(f"/orgs/{organization}/answers-search", params={"q": first["name"].upper()})
    assert found.json() == [title]
    titles = client.get(f"/orgs/{organization}/help-center/any/answer-titles")
    assert title in titles.json()


def test_another_organizations_answers_do_not_exist(client: httpx.Client) -> None:
    for path in ("answers", "answers-search", "help-center/any/answer-titles", "answers/any"):
        refused(client.get(f"/orgs/another/{path}"), 404, "not_exist")


def test_at_most_a_thousand_public_answers_are_listed(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    answer = sandbox.reference("answers")[0]
    for number in range(1000):
        sandbox.add_reference("answers", answer | {"id": f"answer-{number}"})
    assert len(public_answers(client)) == 1000


def test_an_answers_contents_are_had_by_language_and_type(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    for answer in sandbox.reference("answers"):
        path = f"/answers/{answer['id']}"
        shown = client.get(path).json()
        conforms(shown, "Answer")
        assert shown == {name: value for name, value in answer.items() if name != "contents"}
        for content in answer["contents"]:
            got = client.get(f"{path}/languages/{content['language']}/type/{content['type']}")
            conforms(got.json(), "AnswerContent")
            assert got.json() == content | {"answerId": answer["id"]}
    path = f"/answers/{sandbox.reference('answers')[0]['id']}/languages"
    refused(client.get(f"{path}/en-us/type/messaging"), 404, "not_exist")
    refused(client.get(f"{path}/fr/type/public"), 400, "invalid")
    refused(client.get(f"{path}/en-us/type/poem"), 400, "invalid")
    refused(client.get("/answers/nobody"), 404, "not_exist")


def test_teams_change_with_the_clock(sandbox: Sandbox, client: httpx.Client) -> None:
    def teams_after(hours: float) -> dict[str, int]:
        sandbox.clock.set(MIDNIGHT + hours * HOUR)
        return {team["name"]: len(team["agentIds"]) for team in records(client, "/teams")}

    first = {"Returns": 5, "Voice": 4, "VIP & Größe": 4, "Night Shift": 0}
    moved = first | {"Returns": 4, "Voice": 5}
    renamed = {"Returns": 4, "Voice & Callback": 5, "VIP & Größe": 4, "Night Shift": 0}
    with_help = renamed | {"Holiday Help": 1}
    without_night = {name: size for name, size in with_help.items() if name != "Night Shift"}
    expected = {
        0: first,
        12: moved,
        33: renamed,
        48: with_help,
        57: without_night,
        999: without_night,
    }
    for hours, teams in expected.items():
        assert teams_after(hours) == teams
    assert teams_after(57 - 0.001) == with_help
    assert teams_after(-1000) == first


def test_a_team_without_description_has_none(sandbox: Sandbox, client: httpx.Client) -> None:
    sandbox.clock.set(MIDNIGHT + 34 * HOUR)
    described = {team["name"]: "description" in team for team in records(client, "/teams")}
    assert described == {
        "Returns": True,
        "Voice & Callback": False,
        "VIP & Größe": False,
        "Night Shift": True,
    }


def test_webhooks_business_hours_and_answers_change_with_the_clock(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    sandbox.clock.set(MIDNIGHT)
    before = {kind: client.get(f"/{kind}").json() for kind in ("webhooks", "business-hours")}
    answers_before = public_answers(client)
    sandbox.clock.set(MIDNIGHT + 60 * HOUR)
    after = {kind: client.get(f"/{kind}").json() for kind in before}
    assert [webhook["enabled"] for webhook in before["webhooks"]] == [True, True, True]
    assert [webhook["enabled"] for webhook in after["webhooks"]] == [True, True, False]
    assert [one["version"] for one in before["business-hours"]] == [1, 1, 1]
    assert [one["version"] for one in after["business-hours"]] == [2, 1, 1]
    was, now = (
        {answer["name"] for answer in one} for one in (answers_before, public_answers(client))
    )
    assert was - now == {"How to reset your password", "Opening hours"}
    assert now - was == {"How to reset your password (two steps)", "Gift cards"}


def test_what_a_test_changes_counts_from_the_clocks_present_on(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    inbox = sandbox.world.inboxes[0]["id"]
    sandbox.clock.set(MIDNIGHT + 10 * HOUR)
    sandbox.change_reference("inboxes", inbox, name="Front Desk")
    sandbox.clock.set(MIDNIGHT + 20 * HOUR)
    sandbox.remove_reference("inboxes", inbox)
    sandbox.add_reference("inboxes", {"id": "new", "name": "New", "disabled": False})
    first, *others = [record["name"] for record in sandbox.world.inboxes]
    for hours, expected in (
        (9, [first, *others]),
        (10, ["Front Desk", *others]),
        (20, [*others, "New"]),
    ):
        sandbox.clock.set(MIDNIGHT + hours * HOUR)
        assert names(client, "/inboxes") == expected
    refused(client.get(f"/inboxes/{inbox}"), 404, "not_exist")


def test_a_field_set_to_none_goes_away(sandbox: Sandbox, client: httpx.Client) -> None:
    child = next(topic for topic in sandbox.world.topics if "parentId" in topic)
    sandbox.change_reference("topics", child["id"], parentId=None, disabled=True)
    shown = client.get(f"/topics/{child['id']}").json()
    assert shown == {"id": child["id"], "name": child["name"], "disabled": True}


def test_exports_keep_showing_the_worlds_own_agents_and_topics(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    agent, topic = sandbox.world.agents[0], sandbox.world.topics[0]
    sandbox.clock.set(MIDNIGHT)
    sandbox.change_reference("agents", agent["id"], name="Somebody Else")
    sandbox.remove_reference("topics", topic["id"])
    sandbox.clock.set(MIDNIGHT + 78 * HOUR)
    job = records(client, "/export/jobs")[-1]
    for name, expected in (("agents", sandbox.world.agents), ("topics", sandbox.world.topics)):
        lines = client.get(f"/export/jobs/{job['id']}/files/{name}.jsonl").content.splitlines()
        assert [orjson.loads(line) for line in lines] == list(expected)
    assert client.get(f"/agents/{agent['id']}").json()["name"] == "Somebody Else"
    assert client.get(f"/topics/{topic['id']}").status_code == 404


def test_changes_that_cannot_be_are_refused(sandbox: Sandbox) -> None:
    agent = dict(sandbox.world.agents[0])
    with pytest.raises(ValueError, match="already"):
        sandbox.add_reference("agents", agent)
    with pytest.raises(ValueError, match="not among the agents"):
        sandbox.change_reference("agents", "nobody", name="?")
    with pytest.raises(ValueError, match="not among the teams"):
        sandbox.remove_reference("teams", "nobody")
    with pytest.raises(ValueError, match="There is no list 'pigeons'"):
        sandbox.remove_reference(cast("ReferenceKind", "pigeons"), "coo")


IDS = st.sampled_from(["one", "other"])
CHANGES = st.builds(
    lambda at, kind, record_id, value: Change(
        at, kind, record_id, value if value is None else {"id": record_id, "name": value}
    ),
    st.integers(0, 9),
    st.sampled_from(REFERENCE_KINDS[:2]),
    IDS,
    st.none() | st.text(max_size=2),
)


@given(changes=st.lists(CHANGES, max_size=12), at=st.integers(0, 9))
@settings(max_examples=100, deadline=None)
def test_what_happens_later_changes_nothing_before(changes: list[Change], at: int) -> None:
    earlier = [change for change in changes if change.at <= at]
    assert records_at(changes, at) == records_at(earlier, 9)
