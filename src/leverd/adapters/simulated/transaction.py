"""What a signed payload says on the simulated chain. It holds everything: no memory is needed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from leverd.domain.plan import Step
from leverd.domain.step_text import of_text, to_text
from leverd.interfaces.venue import Fees


@dataclass(frozen=True, slots=True)
class Transaction:
    """One payload; without a `step` it only spends its nonce."""

    nonce: int
    gas_limit: int
    fees: Fees
    account: str = ""
    step: Step | None = None
    sequence: int = 0
    deadline: int = 0  # chain time, unix seconds

    @property
    def payload(self) -> bytes:
        """The bytes that are sent."""
        body = {
            "nonce": self.nonce,
            "gas": self.gas_limit,
            "fees": [self.fees.max_fee, self.fees.priority_fee],
            "account": self.account,
            "step": "" if self.step is None else to_text(self.step),
            "sequence": self.sequence,
            "deadline": self.deadline,
        }
        return json.dumps(body, separators=(",", ":")).encode()

    @property
    def tx_hash(self) -> str:
        """The hash, known before it is sent."""
        return "0x" + hashlib.sha256(self.payload).hexdigest()


def of_payload(payload: bytes) -> Transaction:
    """Return the transaction that `payload` is."""
    body = json.loads(payload)
    return Transaction(
        body["nonce"],
        body["gas"],
        Fees(*body["fees"]),
        body["account"],
        of_text(body["step"]) if body["step"] else None,
        body["sequence"],
        body["deadline"],
    )
