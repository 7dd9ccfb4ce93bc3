"""What is on the machine, to compare: files with their contents, and what nobody has installed as a package."""

from collections.abc import Mapping

from verification.installation.container import Container

# What a running system writes by itself.
_BY_ITSELF = (
    r"^/(proc|sys|dev|run|tmp)/|^/var/(tmp|log/journal|log/nginx|lib/mysql|lib/systemd|cache|lib/private)/|/\.pki/"
)
# By-products of Debian's packages: caches, links of alternatives, certificates, lists of users and groups.
_OF_PACKAGES = (
    r"^/etc/(alternatives|ld\.so\.cache|ssl/certs|group|passwd|shadow|gshadow|subuid|subgid|mailcap|\.pwd\.lock)|"
    r"^/etc/(rc.\.d|systemd/system/(multi-user|timers|sockets)\.target\.wants)/(?!.*blockalloc)|"
    r"^/etc/nginx/sites-enabled/default|^/var/www/html/index\.nginx-debian|^/etc/systemd/user/|/__pycache__/|"
    r"^/etc/(python3|perl)"
)
_CONTENTS = f"find / -xdev -type f -printf '%p\\0' | grep -zvE '{_BY_ITSELF}' | xargs -0 sha256sum"
_LINKS = f"find / -xdev -type l -printf '%p -> %l\\n' | grep -vE '{_BY_ITSELF}'"
_PLACES = "/etc /opt /usr/local /root /home /srv /var/www /var/spool /lib/systemd/system"
_NOBODYS = (
    f"find {_PLACES} -xdev ! -type d | sort >/tmp/all; cat /var/lib/dpkg/info/*.list /var/lib/dpkg/info/*.conffiles "
    f"2>/dev/null | sed 's/ .*//' | sort -u >/tmp/owned; comm -23 /tmp/all /tmp/owned | grep -vP '{_OF_PACKAGES}'; "
    "rm /tmp/all /tmp/owned"
)


def files(machine: Container) -> Mapping[str, str]:
    """All files and links with a checksum or target, but what a running system writes by itself."""
    lines = machine.run(_CONTENTS).stdout.splitlines()
    found = {line[66:]: line[:64] for line in lines if len(line) > 66}
    links = (line.partition(" -> ") for line in machine.run(_LINKS).stdout.splitlines())
    return found | {path: f"-> {target}" for path, _, target in links}


def nobodys(machine: Container) -> set[str]:
    """Files that no package brought."""
    return set(machine.run(_NOBODYS).stdout.split())


def named(machine: Container, word: str) -> set[str]:
    """Files and folders anywhere that have the word in their names."""
    found = machine.run(f"find / -xdev -name '*{word}*' -not -path '/proc/*'").stdout.split()
    return set(found)


def dump(machine: Container, database: str = "vcl") -> str:
    """The database as SQL: tables, rows, and the numbers that the next rows get."""
    options = "--skip-dump-date --skip-extended-insert --order-by-primary --routines --triggers"
    return machine.run(f"mariadb-dump {options} {database}").stdout
