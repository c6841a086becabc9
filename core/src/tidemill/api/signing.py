"""What a signer and a run that signs agree on: the policy, the codecs that read transactions, the socket between them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from attrs import frozen

from tidemill.config.assets import KnownAssets
from tidemill.config.model import Config, SignerConfig
from tidemill.config.settings import make_settings
from tidemill.discovery.load import try_plugins
from tidemill.discovery.packages import PACKAGES
from tidemill.discovery.registry import Loaded
from tidemill.discovery.scan import find_plugins
from tidemill.domain.ids import ChainId
from tidemill.domain.signing import Opened, Reading, Scheme, Unreadable
from tidemill.errors import ConfigError, PluginContractError, Problem
from tidemill.hookspecs.codec import Codec

T = TypeVar("T")
_SHIPPED = {"eip155": "evm", "sim": "sim", "solana": "solana"}
"""Which codec of ours reads the chains of a namespace."""


@frozen
class SigningSetup:
    """What is signed and how it is read. ``codecs`` are by CAIP-2 namespace; what one raises names its plugin."""

    policy: SignerConfig
    codecs: Mapping[str, Codec]
    socket: Path
    keystore: Path


def signing_setup(config: Config) -> SigningSetup:
    """Return what the configuration says of signing, with the codecs that it enables; no other plugin is imported.

    Raises:
        ConfigError: there is no ``[signer]``, a codec or its settings are wrong, or no enabled codec reads a chain of the policy.
        PluginError: a codec's own code is at fault, and nothing else is wrong.
    """
    policy = config.signer
    if policy is None:
        missing = "is missing: add the table [signer], which says what may be signed; docs/how-to/run-the-signer.md shows one"
        raise ConfigError([config.places.problem(missing, "signer")])
    loading = try_plugins([table for table in config.tables if table.kind == "codec"], find_plugins())
    loading.raise_if_any()
    codecs: dict[str, Codec] = {}
    problems: list[Problem] = []
    for loaded in loading.registry:
        codec = _codec(loaded, config)
        other = codecs.setdefault(codec.namespace, codec)
        if other is not codec:
            said = f"reads the chains of {codec.namespace}, as codecs.{other.name} does: set enabled = false in one"
            problems.append(loaded.table.problem(said))
    problems += [policy.problem(_unread(chain), "chains", chain) for chain in policy.chains if _namespace(chain) not in codecs]
    if problems:
        raise ConfigError(problems)
    return SigningSetup(policy, codecs, policy.socket_path, policy.folder)


def _codec(loaded: Loaded, config: Config) -> Codec:
    settings = make_settings(loaded.table, loaded.plugin_class, KnownAssets(config.assets))
    codec = loaded.make(settings)
    assert isinstance(codec, Codec)  # noqa: S101 discovery checked the class

    own = {"name": codec.name, "namespace": codec.namespace}
    guarded: type[_Guarded] = type("Guarded", (_Guarded,), own)
    return guarded(codec, loaded)


def _namespace(chain: ChainId) -> str:
    return chain.partition(":")[0]


def _unread(chain: ChainId) -> str:
    namespace = _namespace(chain)
    name = _SHIPPED.get(namespace, "")
    package = PACKAGES.get(f"codecs.{name}")
    if package is not None:
        remedy = f"add the table [codecs.{name}], which is in {package} (pip install {package})"
    else:
        remedy = "install a plugin of kind codec that does and enable it with a table [codecs.NAME]"
    return f"no codec that is enabled reads the transactions of {namespace}: {remedy}"


class _Guarded(Codec):
    """A codec whose answers have the types that they should have, and whose errors name its plugin.

    The bytes it is given come from others, and a fault in it may not end the signer.
    """

    def __init__(self, codec: Codec, loaded: Loaded) -> None:
        super().__init__(codec.settings)
        self._codec = codec
        self._loaded = loaded

    def read(self, chain: ChainId, payload: bytes) -> Reading | Unreadable:
        return self._call("read()", lambda: self._codec.read(chain, payload), Reading, Unreadable)

    def message(self, payload: bytes) -> bytes:
        return self._call("message()", lambda: self._codec.message(payload), bytes)

    def join(self, payload: bytes, signature: bytes) -> bytes:
        return self._call("join()", lambda: self._codec.join(payload, signature), bytes)

    def open(self, chain: ChainId, raw: bytes) -> Opened | Unreadable:
        return self._call("open()", lambda: self._codec.open(chain, raw), Opened, Unreadable)

    def account(self, scheme: Scheme, public_key: bytes) -> str:
        return self._call("account()", lambda: self._codec.account(scheme, public_key), str)

    def _call(self, what: str, function: Callable[[], T], *kinds: type) -> T:
        found = self._loaded.call(what, function)
        if not isinstance(found, kinds):
            names = " or ".join(kind.__name__ for kind in kinds)
            said = f"{what} returned a {type(found).__name__}: expected {names}"
            raise PluginContractError(self._loaded.metadata.path, said, distribution=self._loaded.metadata.distribution)
        return found
