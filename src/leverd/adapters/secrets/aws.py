"""Secrets in AWS Secrets Manager, by boto3, which is imported only when one is asked for."""

from __future__ import annotations

import ipaddress
import json
import logging
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

from leverd.adapters.secrets import codes
from leverd.adapters.secrets.patience import answered_within
from leverd.errors import LeverdError, SecretError, UnreachableError
from leverd.interfaces.secrets import Secret

DEADLINE_S: Final = 20.0
"""Wall seconds for all of it: finding out as whom to ask may take requests of its own."""

_CONNECT_S: Final = 3
_READ_S: Final = 5
_TRIES: Final = 2
_MISSING: Final = frozenset({"ResourceNotFoundException"})
_FORBIDDEN: Final = frozenset(
    {
        "AccessDeniedException",
        "DecryptionFailure",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "UnrecognizedClientException",
    }
)
_BUSY: Final = frozenset({"InternalServiceError", "ServiceUnavailable", "ThrottlingException"})
_SERVER_ERROR: Final = 500


@dataclass(frozen=True, slots=True)
class AwsSecret:
    """One secret by name or ARN; of one that is JSON, one `field`."""

    id: str
    field: str = ""
    region: str = ""  # boto3's own ways to find one if empty
    endpoint: str = ""  # the region's own if empty
    deadline_s: float = DEADLINE_S

    def get(self) -> Secret:
        """Return its current value. Who asks is whom boto3 finds: role, profile or environment.

        Raises:
            SecretError: there is none, or we may not have it.
            UnreachableError: AWS does not answer in time.
        """
        try:
            import botocore.exceptions  # noqa: PLC0415 -- only where a settings file names AWS
        except ImportError:
            raise self._wrong(
                "boto3 is not installed", codes.AWS_NOT_INSTALLED, "pip install 'leverd[aws]'"
            ) from None
        try:
            answer = answered_within(self.deadline_s, partial(_asked, self))
        except TimeoutError:
            raise self._silent(f"no answer within {self.deadline_s:g} s") from None
        except botocore.exceptions.ClientError as error:
            raise self._refused(error.response) from None
        except (
            botocore.exceptions.ConnectionError,
            botocore.exceptions.HTTPClientError,
        ) as error:
            raise self._silent(type(error).__name__) from None
        except botocore.exceptions.BotoCoreError as error:
            # no credentials, no region, a profile that is none; its text may quote them
            raise self._wrong(
                f"boto3 cannot ask: {type(error).__name__}",
                codes.AWS_NOBODY,
                "give this process a role, a profile or AWS_ variables, and a region",
            ) from None
        return self._chosen(answer)

    def _chosen(self, answer: dict[str, Any]) -> Secret:
        text = answer.get("SecretString")
        if not isinstance(text, str):
            raise self._wrong("it is binary", codes.AWS_NO_TEXT, "store it as text")
        if not self.field:
            value: Any = text.rstrip("\r\n")
        else:
            try:
                whole = json.loads(text)
            except ValueError:  # its message quotes the text
                whole = None
            value = whole.get(self.field) if isinstance(whole, dict) else None
        if not isinstance(value, str):
            text = f"it is no JSON with text under {self.field}"
            raise self._wrong(text, codes.AWS_NO_TEXT, "name the right field, or none")
        if not value:
            raise self._wrong("it is empty", codes.EMPTY, "store a value")
        return Secret(value)

    def _refused(self, response: Any) -> LeverdError:
        """Return what AWS's refusal means; its own words are not repeated, only its code."""
        code = str(response.get("Error", {}).get("Code", "none"))
        status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code in _MISSING:
            remedy = "check name and region"
            return self._wrong("there is none of that name", codes.AWS_MISSING, remedy)
        if code in _FORBIDDEN:
            remedy = "allow secretsmanager:GetSecretValue (and kms:Decrypt) to who asks"
            return self._wrong(f"we may not have it ({code})", codes.AWS_FORBIDDEN, remedy)
        if code in _BUSY or status >= _SERVER_ERROR:
            return self._silent(code)
        return self._wrong(f"AWS says {code}", codes.AWS_REFUSED, "see what that means to AWS")

    def _silent(self, why: str) -> UnreachableError:
        return UnreachableError(
            f"AWS Secrets Manager does not answer: {why}",
            number=codes.AWS_SILENT,
            place=self.place,
            remedy="check network, region and endpoint",
        )

    def _wrong(self, why: str, number: int, remedy: str) -> SecretError:
        message = f"the secret cannot be had: {why}"
        return SecretError(message, number=number, place=self.place, remedy=remedy)

    @property
    def place(self) -> str:
        """What errors call it."""
        return f"AWS secret {self.id}"


def _asked(secret: AwsSecret) -> dict[str, Any]:
    import boto3.session  # noqa: PLC0415 -- heavy, and only where a settings file names AWS
    from botocore.config import Config  # noqa: PLC0415 -- as above

    for name in ("boto3", "botocore", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)  # below it they log answers
    client = boto3.session.Session(region_name=secret.region or None).client(
        "secretsmanager",
        endpoint_url=secret.endpoint or None,
        config=Config(
            connect_timeout=_CONNECT_S,
            read_timeout=_READ_S,
            retries={"total_max_attempts": _TRIES, "mode": "standard"},
        ),
    )
    try:
        _check_encrypted(secret, client.meta.endpoint_url)
        answer: dict[str, Any] = client.get_secret_value(SecretId=secret.id)
        return answer
    finally:
        client.close()


def _check_encrypted(secret: AwsSecret, url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "https" or _is_here(parts.hostname or ""):
        return
    raise SecretError(
        "the secret would come to this machine unencrypted",
        number=codes.AWS_UNENCRYPTED,
        place=secret.place,
        remedy="name an https endpoint, here or in AWS_ENDPOINT_URL",
    )


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
