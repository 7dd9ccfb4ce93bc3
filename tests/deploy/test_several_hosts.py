"""The example for several hosts: what nginx and systemd say of it, and that its parts fit each other."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.servers import systemd_analyze
from tests.support.servers.nginx_server import Nginx
from tests.support.servers.own_process import ROOT

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

FOLDER = ROOT / "deploy" / "several-hosts"
README = (FOLDER / "README.md").read_text()


def test_nginx_takes_its_file_as_the_page_changes_it(tmp_path: Path) -> None:
    """By the page's own command: behind haproxy, callers come with their addresses, and nobody else gets in."""
    (script,) = re.findall(r"^sed -i .*?\n    /etc/nginx/conf\.d/blockalloc\.conf$", README, re.MULTILINE | re.DOTALL)
    site = tmp_path / "site.conf"
    shutil.copy(ROOT / "deploy" / "nginx.conf", site)
    subprocess.run(["bash", "-c", script.replace("/etc/nginx/conf.d/blockalloc.conf", str(site))], check=True)
    text = site.read_text()
    assert re.findall(r"^ *listen (.*);", text, re.MULTILINE) == ["8080 proxy_protocol", "8443 ssl proxy_protocol"]
    for number, server in enumerate(re.split(r"^server \{", text, flags=re.MULTILINE)[1:]):
        assert re.findall(r"^    (?:set_real_ip_from|real_ip_header) (.*);", server, re.MULTILINE) == [
            "10.0.0.0/24",
            "proxy_protocol",
        ], number
    # Its own program reads it, with other ports and a certificate that there is.
    text = re.sub(r"listen (\d+)", r"listen 127.0.0.1:\1", text)
    nginx = Nginx(tmp_path, upstream_port=1)
    assert nginx.check(text) == ""


def test_systemd_has_no_objections_to_the_units_of_the_database_nodes(tmp_path: Path) -> None:
    for name in ("galera-ready.socket", "galera-ready@.service"):
        unit = (FOLDER / name).read_text().replace("/usr/local/sbin/galera-ready", str(FOLDER / "galera-ready"))
        (tmp_path / name).write_text(unit)
    assert systemd_analyze.verify([tmp_path / "galera-ready.socket", tmp_path / "galera-ready@.service"]) == ""


def test_haproxy_asks_where_the_nodes_answer() -> None:
    (port,) = re.findall(r"^ListenStream=(\d+)$", (FOLDER / "galera-ready.socket").read_text(), re.MULTILINE)
    assert f" port {port} " in (FOLDER / "haproxy.cfg").read_text()
    assert f"http://127.0.0.1:{port}/" in README


def test_haproxy_waits_longer_than_nginx() -> None:
    (nginx,) = re.findall(r"proxy_read_timeout (\d+)s;", (ROOT / "deploy" / "nginx.conf").read_text())
    for side in ("client", "server"):
        (haproxy,) = re.findall(rf"^    timeout {side} (\d+)s$", (FOLDER / "haproxy.cfg").read_text(), re.MULTILINE)
        assert int(haproxy) > int(nginx)


@pytest.mark.parametrize(
    ("said", "status"), [("ON", "200 OK"), ("OFF", "503 Service Unavailable"), ("", "503 Service Unavailable")]
)
def test_a_node_says_whether_it_takes_statements(said: str, status: str, tmp_path: Path) -> None:
    client = tmp_path / "mariadb"
    client.write_text(f"#!/bin/sh\necho {said}\n")
    client.chmod(0o755)
    done = subprocess.run(
        [FOLDER / "galera-ready"],
        input="GET / HTTP/1.1\r\nHost: node1\r\n\r\n",
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    head, _, body = done.stdout.replace("\r\n", "\n").partition("\n\n")
    assert head.splitlines()[0] == f"HTTP/1.1 {status}"
    assert f"Content-Length: {len(said)}" in head
    assert body == said
