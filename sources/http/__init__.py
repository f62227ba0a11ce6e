"""How bytes arrive: safe hosts, a shared rate budget, patient retries, whole files.

Nothing in here depends on a particular API; where a convention is needed, Gladly's is the default.
"""

from sources.http.budget import PER_SECOND_HEADERS, RateBudget, RateHeaders
from sources.http.client import ApiClient
from sources.http.download import (
    DownloadedFile,
    download_content,
    download_file,
)
from sources.http.errors import (
    EmptyError,
    GapError,
    GiveUpError,
    HelpdeskError,
    RetryableError,
    SettingsError,
    TooLargeError,
    TruncatedError,
    UnsafeError,
)
from sources.http.files import make_private_folder
from sources.http.hosts import checked_base_url, path_segment, same_origin
from sources.http.redaction import (
    RedactingFilter,
    Secret,
    protect,
    quiet_http_loggers,
    redact,
    register_secrets,
)
from sources.http.replies import Reply, StreamedReply
from sources.http.retry import RetryPolicy, retry_after_seconds

__all__ = [
    "PER_SECOND_HEADERS",
    "ApiClient",
    "DownloadedFile",
    "EmptyError",
    "GapError",
    "GiveUpError",
    "HelpdeskError",
    "RateBudget",
    "RateHeaders",
    "RedactingFilter",
    "Reply",
    "RetryPolicy",
    "RetryableError",
    "Secret",
    "SettingsError",
    "StreamedReply",
    "TooLargeError",
    "TruncatedError",
    "UnsafeError",
    "checked_base_url",
    "download_content",
    "download_file",
    "make_private_folder",
    "path_segment",
    "protect",
    "quiet_http_loggers",
    "redact",
    "register_secrets",
    "retry_after_seconds",
    "same_origin",
]
