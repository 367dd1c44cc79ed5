"""Keys for tests: issuers that sign, and the files that a service under test is told of."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from chassis.assertions import Signer, generate_key


class Keys:
    """Some issuers with their key files and their trust bundle in a folder: `keys.assertion(audience="boxes")`."""

    def __init__(self, folder: Path, *issuers: str) -> None:
        pairs = {issuer: generate_key(issuer) for issuer in issuers or ("gateway",)}
        self.folder = folder
        self.trust_bundle_file = folder / "trust-bundle.json"
        self.trust_bundle_file.write_text(json.dumps({"keys": [public for _, public in pairs.values()]}))
        for issuer, (private, _) in pairs.items():
            self.signing_key_file(issuer).write_text(json.dumps(private))
        self._signers = {issuer: Signer(private, issuer) for issuer, (private, _) in pairs.items()}

    def signing_key_file(self, issuer: str) -> Path:
        """Return where the private key of an issuer lies."""
        return self.folder / f"{issuer}-key.json"

    def signer(self, issuer: str = "gateway") -> Signer:
        """Return what signs for an issuer."""
        return self._signers[issuer]

    def assertion(
        self,
        audience: str,
        subject: object = None,
        *,
        issuer: str = "gateway",
        roles: Sequence[str] = (),
        claims: Mapping[str, Any] | None = None,
    ) -> str:
        """Return an assertion to a service about a user (their id; None: anonymous)."""
        said = {**(claims or {}), "roles": list(roles)}
        actor = issuer if subject is not None and issuer != "gateway" else None
        return self._signers[issuer].sign(audience, None if subject is None else str(subject), said, actor)

    def headers(self, audience: str, subject: object = None, **options: Any) -> dict[str, str]:
        """Return the Authorization header of such an assertion."""
        return {"Authorization": f"Bearer {self.assertion(audience, subject, **options)}"}
