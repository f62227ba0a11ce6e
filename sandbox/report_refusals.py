"""How a report request is refused."""


class ReportRequestError(ValueError):
    """A request the API refuses with 400.

    Attributes:
        attribute: The field of the body that is wrong, or None for the body as a whole.
        code: What is wrong with it, as the API says it.
    """

    def __init__(self, attribute: str | None, code: str, detail: str) -> None:
        super().__init__(detail)
        self.attribute = attribute
        self.code = code
