"""The text of a key's file, and what is read from it.

One JSON object, always written in the same way, so that any changed byte shows. Three things guard it: ``checksum`` is the sha256 of all
else, against damage; the sealed secret opens beside its unchanged metadata alone, against an editor who makes the checksum anew; and the
public key must be that of the secret.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final, cast

from attrs import frozen

from tidemill_command_signer.keystore.curves import SECRET_LENGTH, is_secret, public_key_of
from tidemill_command_signer.keystore.errors import DamagedKey, WrongPassphrase
from tidemill_command_signer.keystore.facts import FILE_NAME, PUBLIC_LENGTHS, ROLES, SCHEMES, KeyFacts
from tidemill_command_signer.keystore.sealing import NONCE_LENGTH, SALT_LENGTH, TAG_LENGTH, Cost, NotOpened, Sealed, cost_of, seal, unseal
from tidemill_command_signer.keystore.secret import SecretBytes

FORMAT: Final = 1
LONGEST: Final = 4_096
"""Bytes of a file, at most; one that is sound has some 900."""
_KDF, _CIPHER = "argon2id", "aes-256-gcm"
_FIELDS = {"tidemill_key", "name", "scheme", "public_key", "created", "role", "version", "kdf", "cipher", "sealed", "checksum"}
_END = "}\n"


@frozen
class Envelope:
    """A key's file: what stands in the open, and the sealed secret."""

    facts: KeyFacts
    sealed: Sealed


def close_envelope(facts: KeyFacts, secret: SecretBytes, passphrase: SecretBytes, cost: Cost) -> str:
    """Return the text of a key's file, opened once again before it is given: what cannot be opened is never kept."""
    envelope = Envelope(facts, seal(secret, passphrase, _bound(facts), cost))
    text = _render(_fields(envelope))
    open_envelope(read_envelope(text.encode(), facts.name), passphrase).wipe()
    return text


def read_envelope(raw: bytes, name: str) -> Envelope:
    """Return what the bytes of a key's file say, without opening it.

    Args:
        raw: the file.
        name: of the key, as the file is called.

    Raises:
        DamagedKey: it is cut short, or not as it was written.
    """
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise _edited(name, f"its byte {error.start + 1} is no text") from error
    if len(raw) <= LONGEST and not text.endswith(_END):
        raise DamagedKey(f"the file of key {name} is cut short: its end is missing after {len(raw)} bytes; {_REMEDY}")
    found = _object(text) if len(raw) <= LONGEST else None
    if found is None:
        raise _edited(name, f"its {len(raw)} bytes are no JSON object as expected")
    wrong = _difference(found) or ("" if found["name"] == name else f"it is that of key {_short(found['name'])}")
    envelope = wrong or _envelope(found)
    if isinstance(envelope, str):
        raise _edited(name, envelope)
    if _render(_fields(envelope)) != text:
        raise _edited(name, "it is not written as tidemill writes it")
    return envelope


def open_envelope(envelope: Envelope, passphrase: SecretBytes) -> SecretBytes:
    """Return the secret.

    Raises:
        WrongPassphrase: the passphrase is another one. DamagedKey: it is right, and the file was edited.
    """
    facts = envelope.facts
    secret = unseal(envelope.sealed, passphrase, _bound(facts))
    if isinstance(secret, NotOpened):
        if secret.passphrase:
            raise _edited(facts.name, "the passphrase is right, and what it seals was changed, or what stands beside it")
        raise WrongPassphrase(f"the passphrase is wrong: it does not open key {facts.name}")
    if not is_secret(facts.scheme, secret) or public_key_of(facts.scheme, secret) != facts.public_key:
        raise _edited(facts.name, "public_key is not that of the sealed key")
    return secret


_REMEDY = "put back a copy of the file, or import the key again"


def _edited(name: str, what: str) -> DamagedKey:
    return DamagedKey(f"the file of key {name} was edited or is damaged: {what}; {_REMEDY}")


def _object(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _difference(found: Mapping[str, Any]) -> str:
    """Return what of a file's fields is not as expected before any of them is taken apart, "" where nothing is."""
    if found.get("tidemill_key") != FORMAT:
        return f"tidemill_key is {_short(found.get('tidemill_key'))}: this version reads format {FORMAT}"
    missing, unknown = sorted(_FIELDS - set(found)), sorted(set(found) - _FIELDS)
    if missing or unknown:
        return f"{missing[0]} is missing" if missing else f"{_short(unknown[0])} does not belong there"
    if found["checksum"] != _checksum(found):
        return "its checksum is not that of its content"
    return ""


def _envelope(found: Mapping[str, Any]) -> Envelope | str:
    facts, kdf, cipher = _facts(found), found["kdf"], found["cipher"]
    if isinstance(facts, str):
        return facts
    if not isinstance(kdf, dict) or kdf.get("name") != _KDF or not isinstance(cipher, dict) or cipher.get("name") != _CIPHER:
        return f"kdf and cipher are not {_KDF} and {_CIPHER}"
    cost = cost_of(kdf)
    if isinstance(cost, str):
        return cost
    salt, proof, nonce = _hex(kdf.get("salt"), SALT_LENGTH), _hex(kdf.get("proof"), 32), _hex(cipher.get("nonce"), NONCE_LENGTH)
    content = _hex(found["sealed"], SECRET_LENGTH + TAG_LENGTH)
    if salt is None or proof is None or nonce is None or content is None:
        return "salt, proof, nonce or sealed is not so many bytes in hexadecimal as expected"
    return Envelope(facts, Sealed(cost, salt, nonce, proof, content))


def _facts(found: Mapping[str, Any]) -> KeyFacts | str:
    name, scheme, created, role, version = (found[field] for field in ("name", "scheme", "created", "role", "version"))
    if not isinstance(name, str) or not FILE_NAME.fullmatch(name):
        return f"name is {_short(name)}"
    if scheme not in SCHEMES or role not in ROLES:
        return f"scheme is {_short(scheme)} and role {_short(role)}: expected {' or '.join(SCHEMES)}, and {' or '.join(ROLES)}"
    public = _hex(found["public_key"], PUBLIC_LENGTHS[scheme])
    if public is None:
        return f"public_key is not {PUBLIC_LENGTHS[scheme]} bytes in hexadecimal"
    if (
        not isinstance(created, str)
        or not created.isprintable()
        or not isinstance(version, int)
        or isinstance(version, bool)
        or version < 1
    ):
        return f"created is {_short(created)} and version {_short(version)}"
    return KeyFacts(name, scheme, public, created, role, version)


def _hex(found: object, length: int) -> bytes | None:
    try:
        raw = bytes.fromhex(cast("str", found))
    except (TypeError, ValueError):
        return None
    return raw if len(raw) == length else None


def _open_fields(facts: KeyFacts) -> dict[str, object]:
    return {
        "tidemill_key": FORMAT, "name": facts.name, "scheme": facts.scheme, "public_key": facts.public_key.hex(),
        "created": facts.created, "role": facts.role, "version": facts.version,
    }  # fmt: skip


def _bound(facts: KeyFacts) -> bytes:
    """Return the associated data of the cipher; salt and cost need no place in it, since another of them is another key."""
    return _canonical(_open_fields(facts))


def _fields(envelope: Envelope) -> dict[str, object]:
    sealed = envelope.sealed
    cost = {"memory_kib": sealed.cost.memory_kib, "passes": sealed.cost.passes, "lanes": sealed.cost.lanes}
    fields = {
        **_open_fields(envelope.facts),
        "kdf": {"name": _KDF, **cost, "salt": sealed.salt.hex(), "proof": sealed.proof.hex()},
        "cipher": {"name": _CIPHER, "nonce": sealed.nonce.hex()},
        "sealed": sealed.content.hex(),
    }
    return {**fields, "checksum": _checksum(fields)}


def _checksum(fields: Mapping[str, object]) -> str:
    return hashlib.sha256(_canonical({name: value for name, value in fields.items() if name != "checksum"})).hexdigest()


def _canonical(fields: Mapping[str, object]) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()


def _render(fields: Mapping[str, object]) -> str:
    return json.dumps(fields, indent=2) + "\n"


def _short(found: object) -> str:
    text = repr(found)
    return text if len(text) <= 40 else f"{text[:37]}..."
