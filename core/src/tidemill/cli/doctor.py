"""``tidemill doctor``: what a run stands on, and what to do about it."""

from pathlib import Path

import click


@click.command(name="doctor")
@click.option("--config", "config", type=click.Path(path_type=Path), help="A configuration; ./tidemill.toml by default.")
@click.option("--live", is_flag=True, help="Look at all that stands between this configuration and real money as well.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(config: Path | None, live: bool, as_json: bool) -> None:
    """Look at everything a run stands on, and say what to do about what is wrong; nothing is changed.

    With --live it asks what a run with real money asks at its start: mode, signer and policy, keystore, risk limits, disk, emergency stop,
    chains and balances, hours on paper. It leases no account and signs nothing.

    Exit code 1 when something is wrong; warnings are allowed.
    """
    from tidemill.api.doctor import doctor
    from tidemill.cli.log import configure_logging
    from tidemill.cli.output import print_json

    configure_logging(as_json=as_json)
    found = doctor(config, live=live)
    if as_json:
        print_json(found)
    else:
        width = max(len(finding.subject) for finding in found.findings)
        for finding in found.findings:
            click.echo(f"{finding.severity:<7}  {finding.subject.ljust(width)}  {finding.message}")
            if finding.remedy:
                click.echo(f"{'':7}  {'':{width}}  → {finding.remedy}")
        click.echo(_sum(*(sum(finding.severity == severity for finding in found.findings) for severity in ("error", "warning"))))
    if not found.sound:
        click.get_current_context().exit(1)


def _sum(errors: int, warnings: int) -> str:
    told = [f"{count} {word}{'s' if count != 1 else ''}" for count, word in ((errors, "error"), (warnings, "warning")) if count]
    return " and ".join(told) if told else "all is well"
