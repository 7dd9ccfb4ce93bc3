"""What others see: the release in use, the operator's command, nginx in front, and whether all of it answers."""

from collections.abc import Sequence
from pathlib import Path

from installer import nginx
from installer.actions import Action, Do, Link, Move, Run, Write
from installer.errors import StepFailed
from installer.inputs import Config
from installer.machine import Machine
from installer.program import Step
from installer.release import Release

_SERVICE = "nginx.service"


def switch(target: Release) -> Step:
    """The release becomes the current one; the one before stays, as `previous`."""

    def plan(machine: Machine) -> Sequence[Action]:
        layout = machine.layout
        wanted, before = f"releases/{target.folder.name}", machine.target(layout.current)
        if before == wanted:
            return []
        current = Link(layout.current, wanted)
        return [Link(layout.previous, before), current] if before else [current]

    return Step(f"{target.folder.name} is the current release", plan)


def command() -> Step:
    """`blockalloc COMMAND`, for operators."""

    def plan(machine: Machine) -> Sequence[Action]:
        wanted = "/opt/blockalloc/current/bin/blockalloc"
        if machine.target(machine.layout.command) == wanted:
            return []
        return [Link(machine.layout.command, wanted)]

    return Step("The operator's command, /usr/local/sbin/blockalloc", plan)


def jobs_of_0_1() -> Step:
    """cron's jobs of 0.1 would run the old code beside the timers."""

    def plan(machine: Machine) -> Sequence[Action]:
        old = machine.layout.old_cron
        return [Move(old, machine.layout.configuration / "cron-of-0.1")] if old.exists() else []

    return Step("Jobs of cron, which systemd's timers replace", plan)


# --- nginx ------------------------------------------------------------------------------------
def site(config: Config, source: Release) -> Step:
    """nginx's site. One that was changed by hand is kept, and the new one put beside it."""

    def plan(machine: Machine) -> Sequence[Action]:
        path = machine.layout.nginx_site
        new, now = _site(config, source, machine), machine.read(path)
        actions: list[Action] = []
        if now is None or (now != new and _is_ours(config, machine, now)):
            actions.append(
                Do([f"write {machine.layout.shown(path)}, if `nginx -t` accepts it"], lambda m: _put(m, new))
            )
        elif now != new and machine.read(_beside(path)) != new:
            actions.append(Write(_beside(path), new))
        is_active = machine.succeeds(["systemctl", "is-active", "-q", _SERVICE])
        if not machine.succeeds(["systemctl", "is-enabled", "-q", _SERVICE]):
            actions.append(Run(["systemctl", "enable", _SERVICE]))
        if actions or not is_active:
            actions.append(Run(["systemctl", "reload-or-restart", _SERVICE]))
        return actions

    def check(machine: Machine) -> Sequence[str]:
        path = machine.layout.nginx_site
        done = machine.run(["nginx", "-t"])
        warnings = [line for line in done.text.splitlines() if "[warn]" in line]
        if machine.read(path) != _site(config, source, machine):
            warnings.append(
                f"{machine.layout.shown(path)} was changed by hand, and is kept: compare it with the release's, "
                f"{machine.layout.shown(_beside(path))}"
            )
        return warnings

    advice = "Whatever else nginx serves is as it was: a site that it does not accept is taken away again."
    return Step("nginx's site of the service", plan, check, "nginx -t", advice)


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.dist")


def _site(config: Config, release: Release, machine: Machine) -> str:
    template = (release.folder / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    return nginx.site(
        template,
        name=config.server_name,
        certificate=config.certificate,
        key=config.certificate_key,
        ipv6=machine.network.has_ipv6(),
    )


def _is_ours(config: Config, machine: Machine, text: str) -> bool:
    """Whether a site is as a release that is installed here would write it, for whatever name and certificate."""
    pair = nginx.certificates_in(text)
    if pair is None or not machine.layout.releases.is_dir():
        return False
    # A checkout of 0.1 was in the folder of the releases itself.
    for folder in (*machine.layout.releases.iterdir(), config.release.folder, machine.layout.home):
        template = machine.read(folder / "deploy" / "nginx.conf") or ""
        for ipv6 in (True, False):
            made = nginx.site(
                template, name=nginx.name_in(text), certificate=Path(pair[0]), key=Path(pair[1]), ipv6=ipv6
            )
            if made == text:
                return True
    return False


def _put(machine: Machine, text: str) -> None:
    """Write the site; take it away again when nginx refuses it."""
    path = machine.layout.nginx_site
    before = machine.read(path)
    machine.write(path, text, 0o644)
    done = machine.run(["nginx", "-t"])
    if done.status == 0:
        return
    if before is None:
        path.unlink()
    else:
        machine.write(path, before, 0o644)
    raise StepFailed(f"nginx -t does not accept the site:\n{done.text.strip()}")


# --- Does it answer? --------------------------------------------------------------------------
def answers(config: Config) -> Step:
    """The health check, as a load balancer would ask."""
    where = f"https://{config.server_name}/healthz" if config.nginx else "http://127.0.0.1:8000/healthz"

    def check(machine: Machine) -> Sequence[str]:
        answer = machine.network.health(config.server_name, tls=config.nginx)
        if answer.status != 200:
            said = f"status {answer.status}, {answer.text}" if answer.status else answer.text
            raise StepFailed(f"{where}, asked on this machine: {said}")
        lines = [f"{where}: {answer.text}"]
        if not answer.trusted:
            lines.append(
                "this machine does not trust the certificate, or it is for another name: the management nodes have to "
                'trust it (docs/troubleshooting.md, "certificate verify failed")'
            )
        return lines

    return Step(
        "Does it answer?", check=check, looks=where, advice="journalctl -u blockalloc has what the service says."
    )
