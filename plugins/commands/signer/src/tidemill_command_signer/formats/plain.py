"""A key in hexadecimal."""

from tidemill.domain.signing import Scheme
from tidemill_command_signer.formats.errors import UnreadableKey
from tidemill_command_signer.keystore.curves import SECRET_LENGTH, is_secret
from tidemill_command_signer.keystore.secret import SecretBytes


def read_hex(text: SecretBytes, scheme: Scheme) -> SecretBytes:
    """Return the key of 64 hexadecimal digits, ``0x`` before them or not; blanks around them do not count.

    Raises:
        UnreadableKey: it is something else, or no secret of this scheme: for secp256k1 a number out of range.
    """
    secret = _bytes(text)
    if secret is not None and len(secret) == SECRET_LENGTH and not is_secret(scheme, secret):
        found = "the order of the curve or more" if any(secret.reveal()) else "0"
        raise UnreadableKey(
            f"no key of {scheme}: the 64 hexadecimal digits are a number out of range, {found}; expected one from 1 to the order of the "
            "curve less 1. Export the key from its program again"
        )
    if secret is None or len(secret) != SECRET_LENGTH:
        raise UnreadableKey(
            f"expected a secret key of {scheme} as 64 hexadecimal digits, 0x before them or not: found {len(text)} bytes of other text"
        )
    return secret


def _bytes(text: SecretBytes) -> SecretBytes | None:
    try:
        return SecretBytes(bytes.fromhex(text.reveal().decode("ascii").strip().removeprefix("0x")))
    except ValueError:
        return None
