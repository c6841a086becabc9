"""What a signer and a run agree on: the policy's codecs, loaded alone, and held to what they promise."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tidemill import signing_setup
from tidemill.config.load import parse_config
from tidemill.config.model import Config
from tidemill.domain.ids import ChainId
from tidemill.domain.signing import Unreadable
from tidemill.errors import ConfigError, PluginContractError

Install = Callable[..., Path]
CHAIN = ChainId("acme:1")
SOURCE = """
from tidemill import hookimpl, settings
from tidemill.domain.signing import Unreadable
from tidemill.hookspecs.codec import Codec

@settings
class Own:
    word: str = "no"

class Lag(Codec):
    name = "lag"
    namespace = "acme"
    settings: Own
    def read(self, chain, payload):
        return Unreadable(self.settings.word) if payload else 7
    def message(self, payload):
        raise ZeroDivisionError("a fault")
    def join(self, payload, signature):
        return payload + signature
    def open(self, chain, raw):
        return None
    def account(self, scheme, public_key):
        return 7

@hookimpl
def tidemill_register_codecs():
    return [Lag]
"""
POLICY = '[signer.chains."acme:1"]\nkeys = ["main"]\ndecimals = 9\n'


def config(text: str) -> Config:
    return parse_config(text, "etc/x.toml", {})


@pytest.fixture
def lag(install: Install) -> None:
    """Installs a codec that reads nothing, for the namespace ``acme``."""
    install("acme-lag", "acme_lag", SOURCE, kind="codec")


@pytest.mark.usefixtures("lag")
def test_setup_has_policy_places_and_codecs_by_namespace() -> None:
    """Settings reach the codec, paths lie beside the configuration, and no other plugin is imported."""
    setup = signing_setup(config(f'[codecs.lag]\nword = "never"\n[strategies.missing]\n{POLICY}'))

    assert (Path("etc/tidemill-keys"), Path("etc/tidemill-keys/signer.sock")) == (setup.keystore, setup.socket)
    assert ["acme"] == list(setup.codecs)
    assert ("lag", "acme", Unreadable("never")) == (
        setup.codecs["acme"].name, setup.codecs["acme"].namespace, setup.codecs["acme"].read(CHAIN, b"x")
    )  # fmt: skip
    assert b"ab" == setup.codecs["acme"].join(b"a", b"b")


@pytest.mark.usefixtures("lag")
def test_faults_of_a_codec_name_it() -> None:
    """What it raises, and what it returns that is of another type: bytes from elsewhere must not end a signer."""
    codec = signing_setup(config(f"[codecs.lag]\n{POLICY}")).codecs["acme"]
    for call, words in (
        (lambda: codec.read(CHAIN, b""), "plugin codecs.lag (acme-lag): read() returned a int: expected Reading or Unreadable"),
        (lambda: codec.message(b""), "plugin codecs.lag (acme-lag): message() raised ZeroDivisionError: a fault"),
        (lambda: codec.open(CHAIN, b""), "plugin codecs.lag (acme-lag): open() returned a NoneType: expected Opened or Unreadable"),
        (lambda: codec.account("ed25519", b""), "plugin codecs.lag (acme-lag): account() returned a int: expected str"),
    ):
        with pytest.raises(PluginContractError) as caught:
            call()
        assert words == str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "$.signer  is missing: add the table [signer], which says what may be signed"),
        (
            POLICY,
            'x.toml:1  $.signer.chains."acme:1"  no codec that is enabled reads the transactions of acme: install a plugin of kind codec',
        ),
        (POLICY.replace("acme", "eip155"), "no codec that is enabled reads the transactions of eip155: "),
        (f"[codecs.lag]\nenabled = false\n{POLICY}", "no codec that is enabled reads the transactions of acme"),
        (f"[codecs.nobody]\n{POLICY}", "$.codecs.nobody  no such codec is installed"),
        (f"[codecs.lag]\nwrod = 1\n{POLICY}", "$.codecs.lag.wrod  unknown key; did you mean word?"),
        (
            f"[codecs.lag]\n[codecs.other]\n{POLICY}",
            "$.codecs.other  reads the chains of acme, as codecs.lag does: set enabled = false in one",
        ),
    ],
)
@pytest.mark.usefixtures("lag")
def test_configuration_that_cannot_sign_says_what_is_missing(text: str, words: str, install: Install) -> None:
    """With file and line, and what to do."""
    install("acme-other", "acme_other", SOURCE.replace('"lag"', '"other"'), kind="codec", names=("other",))
    with pytest.raises(ConfigError) as caught:
        signing_setup(config(text))

    assert words in str(caught.value)


def test_kernel_is_imported_without_it() -> None:
    """Who never signs never loads it: `tidemill.signing_setup` is looked up when it is used."""
    home = "'tidemill.api.signing' in sys.modules"
    code = f"import sys, tidemill; assert not {home}; tidemill.signing_setup; assert {home}"
    subprocess.run([sys.executable, "-c", code], check=True)
