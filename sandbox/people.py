"""The people of the world: agents by name, customers by number."""

from typing import Any

from sandbox.identifiers import identifier

# Display name and its spelling in an e-mail address.
_GIVEN_NAMES = (
    ("Amy", "amy"), ("Élodie", "elodie"), ("Martha", "martha"), ("José", "jose"),
    ("Zoë", "zoe"), ("健太", "kenta"), ("Анна", "anna"), ("Liam", "liam"),
    ("Ngozi", "ngozi"), ("فاطمة", "fatima"), ("Søren", "soren"), ("Priya", "priya"),
    ("민준", "minjun"),
)  # fmt: skip
_FAMILY_NAMES = (
    ("Williams", "williams"), ("Müller", "mueller"), ("佐藤", "sato"), ("García", "garcia"),
    ("O'Brien", "obrien"), ("Иванова", "ivanova"), ("Okafor", "okafor"), ("Nguyễn", "nguyen"),
    ("Lefèvre", "lefevre"), ("Smith-Jones", "smith-jones"), ("Şahin", "sahin"),
)  # fmt: skip
_AGENT_NAMES = (
    "Amy Agent", "Bruno Keller", "Chidi Obi", "Dana Fox", "Elena Petrova", "Femi Ade",
    "Grace Lin", "Hugo Marín", "Ines Duarte", "Jonas Weiß", "Kira Novak", "Leo Tanaka",
)  # fmt: skip
_STREETS = ("Station Road", "Rue des Écoles", "Hauptstraße", "桜通り", "Elm Street Apt. 4")

# 555-0100 to 555-0199 are reserved for fiction in every area code, which gives 78,900 numbers.
_LOWEST_AREA_CODE = 201
_NUMBERS_PER_AREA = 100
LARGEST_CUSTOMER_COUNT = 50_000
COMPANY_PHONE = "+18005550100"
SUPPORT_ADDRESS = "support@example.com"


def agent_records(seed: int) -> list[dict[str, Any]]:
    """Return the organisation's agents as `agents.jsonl` and List Agents show them."""
    return [
        {
            "id": identifier(seed, "agent", number),
            "name": name,
            "emailAddress": f"{name.split()[0].lower()}.{number}@example.com",
        }
        for number, name in enumerate(_AGENT_NAMES)
    ]


def _fictional_phone(number: int) -> str:
    area, line = divmod(number, _NUMBERS_PER_AREA)
    return f"+1{_LOWEST_AREA_CODE + area}55501{line:02}"


def customer_id(seed: int, number: int) -> str:
    """Return the id of the customer with this number."""
    return identifier(seed, "customer", number)


def customer_phone(number: int) -> str:
    """Return the customer's mobile number, its own among all customers."""
    return _fictional_phone(number)


def customer_email(number: int) -> str:
    """Return the customer's first e-mail address, its own among all customers."""
    given = _GIVEN_NAMES[number % len(_GIVEN_NAMES)][1]
    family = _FAMILY_NAMES[number % len(_FAMILY_NAMES)][1]
    return f"{given}.{family}.{number}@example.org"


def customer_record(seed: int, number: int) -> dict[str, Any]:
    """Return one customer as a line of `customers.jsonl` shows it.

    Some have several e-mail addresses or phone numbers and some none, some have no name or
    address, and the customer's id in other systems comes in the old form (one string), the new
    form (an object by system) or not at all (Gladly API reference, Export, customers.jsonl).
    """
    record: dict[str, Any] = {"id": customer_id(seed, number)}
    given = _GIVEN_NAMES[number % len(_GIVEN_NAMES)][0]
    family = _FAMILY_NAMES[number % len(_FAMILY_NAMES)][0]
    if number % 17:
        record["name"] = f"{given} {family}"
    if number % 4:
        record["address"] = f"{number % 900 + 1} {_STREETS[number % len(_STREETS)]}"
    record["emailAddresses"] = [customer_email(number)]
    if number % 3 == 0:
        record["emailAddresses"].append(f"customer{number}@example.net")
    if number % 12 == 0:
        record["emailAddresses"].append(f"Customer{number}.Old@example.net")
    if number % 7:
        record["phoneNumbers"] = [customer_phone(number)]
        if number % 5 == 0:
            record["phoneNumbers"].append(_fictional_phone(LARGEST_CUSTOMER_COUNT + number // 5))
    elif number % 2:
        record["phoneNumbers"] = []
    if number % 10 < 4:  # noqa: PLR2004 - four of ten
        record["externalCustomerId"] = f"CRM-{number:06}"
    elif number % 10 < 7:  # noqa: PLR2004 - three of ten
        record["externalCustomerIds"] = {"shop": f"{number:08}", "loyalty": f"L{number}"}
    return record
