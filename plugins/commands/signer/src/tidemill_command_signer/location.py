"""Which folder the keys are in."""

from pathlib import Path

from tidemill import load_config

DEFAULT = Path("tidemill-keys")


def keystore_folder(option: Path | None, config: Path | None) -> Path:
    """Return the keystore: what an option names, else that of the configuration, else ``tidemill-keys`` in the current folder.

    Raises:
        ConfigError: the configuration is wrong.
    """
    if option is not None:
        return option
    signer = load_config(config).signer
    return DEFAULT if signer is None else signer.folder
