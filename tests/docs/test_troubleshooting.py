"""docs/troubleshooting.md: each symptom is produced, on the real service behind real nginx, and is quoted there.

The other way round too: of vcld the page quotes nothing that no test produces, and of the service nothing that it
cannot say.
"""

import http.client
import http.server
import json
import re
import socket
import sqlite3
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pytest

from scheduling.funnel import STAGES
from tests.support.servers import certificates
from tests.support.servers.clients import ACCOUNT
from tests.support.servers.live_server import ROOT, LiveServer, free_port
from tests.support.servers.nginx_server import Nginx
from tests.support.servers.vcld import NAME, PROGRAM, URL, Call, Vcld
from tests.support.texts_in_code import is_known

pytestmark = pytest.mark.once(on="sqlite")

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text()
MIGRATE = """
from django.core.management import call_command
call_command("migrate", verbosity=0)
"""
OTHER_ACCOUNT = """
import hashlib
from blockalloc.models import LocalAuth, User
passhash = hashlib.sha1(b"p4ss" + b"8ht2Pa55").hexdigest()
admin = User.objects.get(unityid="admin")
LocalAuth.objects.update_or_create(user=admin, defaults={"passhash": passhash, "salt": "8ht2Pa55"})
"""
VCLD = re.compile("fault code:|response:")  # in what vcld logs
FAILURES = 5
SILENCE_SECONDS = 0.5  # vcld waits for 180
HOLD_SECONDS = 1  # VCL_GUARD_WAIT_SECONDS


@dataclass
class Site:
    """vcld, the service, and nginx in front of it, with a certificate that vcld knows."""

    vcld: Vcld
    service: LiveServer
    nginx: Nginx
    certificates: dict[str, Path]
    directory: Path
    stack: ExitStack

    def log(self, call: Call | None = None, **changes: object) -> str:
        """What vcld logs of a call over HTTPS, but for `changes`."""
        good = Call(self.nginx.https_port, ca_file=str(self.certificates["root"]))
        return self.vcld.log(replace(call or good, **changes))  # type: ignore[arg-type]

    def another_nginx(self, certificate: str = "good", upstream: int = 0) -> int:
        """The port of HTTPS of one more nginx."""
        directory = Path(tempfile.mkdtemp(prefix="nginx-", dir=self.directory))
        server = Nginx(directory, upstream or self.service.port, self.certificates[certificate])
        return self.stack.enter_context(server).https_port


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The whole chain, as installed."""
    directory = tmp_path_factory.mktemp("trouble")
    for folder in ("certificates", "nginx"):
        (directory / folder).mkdir()
    made = certificates.make(directory / "certificates")
    with ExitStack() as stack:
        # Nobody listens on its port, and no server of these tests can get it meanwhile.
        silent = stack.enter_context(socket.socket())
        silent.bind(("127.0.0.1", 0))
        service = stack.enter_context(LiveServer(directory))
        service.manage("shell", "--verbosity=0", "--command", MIGRATE + ACCOUNT + OTHER_ACCOUNT)
        service.start(
            {
                "DJANGO_ALLOWED_HOSTS": f"{NAME},127.0.0.1",
                "VCL_TRUSTED_PROXIES": "127.0.0.1",
                "VCL_GUARD_WAIT_SECONDS": str(HOLD_SECONDS),
                "VCL_LOCKOUT_FAILURES": str(FAILURES),
                "VCL_FRONT_END_URL": f"http://127.0.0.1:{silent.getsockname()[1]}/index.php",
                "VCL_FRONT_END_METHODS": "XMLRPCcheckCryptSecrets",
            }
        )
        nginx = stack.enter_context(Nginx(directory / "nginx", service.port, made["good"]))
        yield Site(stack.enter_context(Vcld()), service, nginx, made, directory, stack)


# --- Mistakes that take more than a call -------------------------------------------------------
def _locked_out(site: Site) -> str:
    for _ in range(FAILURES):
        site.log(password="wrong", source="127.0.0.66")
    return site.log(source="127.0.0.66")


def _while_another_call_allocates(site: Site) -> str:
    other = sqlite3.connect(site.service.database_url.removeprefix("sqlite:///"), isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        # From where nobody has failed to sign in: SQLite has one lock for everything, also for the count of failures.
        return site.log(arguments=("XMLRPCprocessBlockTime", "4711", "1"), source="127.0.0.77")
    finally:
        other.close()


def _by_a_proxy_that_is_not_trusted(site: Site) -> str:
    """A service with the same database and without the setting, behind an nginx of its own."""
    directory = site.directory / "untrusting"
    directory.mkdir()
    with LiveServer(directory, site.service.database_url) as service:
        service.start({"DJANGO_ALLOWED_HOSTS": f"{NAME},127.0.0.1"})
        nginx = site.another_nginx(upstream=service.port)
        log = site.log(port=nginx)
        assert _where_a_browser_is_sent(nginx, site.certificates["root"]) == f"https://{NAME}/admin/"  # without end
        with site.service.log.open("a") as together:
            together.write(service.log.read_text())
        return log


def _where_a_browser_is_sent(port: int, ca: Path) -> str | None:
    """The Location that comes for /admin/ over HTTPS."""
    plain = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection = http.client.HTTPConnection(NAME)
    connection.sock = ssl.create_default_context(cafile=str(ca)).wrap_socket(plain, server_hostname=NAME)
    try:
        connection.request("GET", "/admin/")
        return connection.getresponse().headers["Location"]
    finally:
        connection.close()


def _without_tables(site: Site) -> str:
    """A service whose database nobody has migrated."""
    directory = site.directory / "empty"
    directory.mkdir()
    with LiveServer(directory) as service:
        service.start({"DJANGO_ALLOWED_HOSTS": f"{NAME},127.0.0.1", "VCL_TRUSTED_PROXIES": "127.0.0.1"})
        log = site.log(port=site.another_nginx(upstream=service.port))
        assert "no such table" in service.log.read_text()
        return log


def _passed_on_to_itself(site: Site) -> str:
    directory = site.directory / "its-own-front-end"
    directory.mkdir()
    with LiveServer(directory, site.service.database_url) as service:
        service.start(
            {
                "DJANGO_ALLOWED_HOSTS": f"{NAME},127.0.0.1",
                "VCL_TRUSTED_PROXIES": "127.0.0.1",
                "VCL_FRONT_END_URL": f"{service.url}/index.php",
            }
        )
        return site.log(port=site.another_nginx(upstream=service.port), arguments=("XMLRPCautoCapture", "42"))


def _to_one_who_is_silent(site: Site, url: str = URL) -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return site.log(url=url, port=listener.getsockname()[1], timeout=SILENCE_SECONDS)


def _through_a_firewall_that_drops(site: Site) -> str:
    """A queue that is full: the kernel takes no notice of further connections, as of dropped packets."""
    with socket.socket() as listener, ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        return site.log(port=listener.getsockname()[1], timeout=SILENCE_SECONDS)


def _to_a_web_page(site: Site) -> str:
    class Page(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!DOCTYPE html><html><head><title>VCL</title></head><body>Welcome<br></body></html>")

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            return site.log(url=f"http://{NAME}/vcl/", port=server.server_port)
        finally:
            server.shutdown()
            thread.join()


# --- All mistakes ------------------------------------------------------------------------------
@dataclass(frozen=True)
class Mistake:
    """What is done, what vcld then says, and what the service does, if it has it in its log."""

    make: Callable[[Site], str]
    said: str
    service: str = ""


def _failed(reason: str) -> str:
    return f"response: 'RPC::XML::Client::send_request: HTTP server error: {reason}'"


def _fault(code: int, text: str) -> str:
    return f"fault code: {code}\nfault string: {text}"


def _certificate(name: str) -> Callable[[Site], str]:
    return lambda site: site.log(port=site.another_nginx(name))


DENIED = _fault(3, "Access denied")
PLAIN_HTTP = _fault(4, "HTTPS is needed: name and password must not travel in the clear")
WRONG_PATH = _fault(
    210, "no calls are answered at this address: its path must be /xmlrpc/ or end in /index.php?mode=xmlrpccall"
)
UNVERIFIED = _failed(f"Can't connect to {NAME}:443 (certificate verify failed)")
MISTAKES = {
    "a wrong password": Mistake(lambda site: site.log(password="wrong"), DENIED, ": 3, wrong password"),
    "an unknown user": Mistake(
        lambda site: site.log(user="vclsytem@Local"), DENIED, ": 3, unknown user, or one without a local account"
    ),
    "a user who is not on the list": Mistake(
        lambda site: site.log(user="admin@Local"),
        _fault(34, "access denied for managing block allocations"),
        "XMLRPCtest: 34, access denied for managing block allocations",
    ),
    "too many failures": Mistake(
        _locked_out,
        _fault(207, "X-User, X-Pass: too many failed sign-ins: try again in … seconds"),
        "lock-out of everybody at ",
    ),
    "plain HTTP to nginx": Mistake(
        lambda site: site.log(url=URL.replace("https", "http"), port=site.nginx.http_port), PLAIN_HTTP
    ),
    "plain HTTP to its port of HTTPS": Mistake(lambda site: site.log(url=f"http://{NAME}:443/xmlrpc/"), PLAIN_HTTP),
    "plain HTTP to gunicorn": Mistake(
        lambda site: site.log(url=f"http://{NAME}:8000/xmlrpc/", port=site.service.port, source="127.0.0.9"),
        PLAIN_HTTP,
        ": 4, HTTPS is needed: name and password must not travel in the clear",
    ),
    "HTTPS to gunicorn": Mistake(
        lambda site: site.log(url=f"https://{NAME}:8000/xmlrpc/", port=site.service.port),
        _failed(
            f"Can't connect to {NAME}:8000 (SSL connect attempt failed error:…:SSL routines::wrong version number)"
        ),
        "Invalid request from ip=127.0.0.1: Invalid HTTP request line",
    ),
    "a proxy that is not trusted": Mistake(
        _by_a_proxy_that_is_not_trusted,
        _fault(
            4,
            "HTTPS is needed: the proxy that vouches for it (X-Forwarded-Proto) is not in VCL_TRUSTED_PROXIES; "
            "the log of the service has its address",
        ),
        ": 4, X-Forwarded-Proto says HTTPS, but this address is not in VCL_TRUSTED_PROXIES",
    ),
    "another host name": Mistake(
        lambda site: site.log(url="https://vcl.example.edu/xmlrpc/"),
        _fault(
            210, "the host name that was called is not in DJANGO_ALLOWED_HOSTS; the log of the service has the name"
        ),
        ": 210, the host name vcl.example.edu:443 is not in DJANGO_ALLOWED_HOSTS",
    ),
    "no path": Mistake(lambda site: site.log(url=f"https://{NAME}/"), WRONG_PATH, ": 210, no calls are answered at /"),
    "no mode": Mistake(
        lambda site: site.log(url=f"https://{NAME}/vcl/index.php"),
        WRONG_PATH,
        ": 210, no calls are answered at /vcl/index.php",
    ),
    "no path by plain HTTP": Mistake(
        lambda site: site.log(url=f"http://{NAME}/vcl/", port=site.nginx.http_port), _failed("Moved Permanently")
    ),
    "a CA that vcld does not know": Mistake(lambda site: site.log(ca_file=str(_self(site))), UNVERIFIED),
    "a certificate that signed itself": Mistake(_certificate("self-signed"), UNVERIFIED),
    "a certificate that expired": Mistake(_certificate("expired"), UNVERIFIED),
    "a chain without the intermediate": Mistake(_certificate("no intermediate"), UNVERIFIED),
    "a port where nobody listens": Mistake(
        lambda site: site.log(port=free_port()), _failed(f"Can't connect to {NAME}:443 (Connection refused)")
    ),
    "a firewall that drops": Mistake(
        _through_a_firewall_that_drops, _failed(f"Can't connect to {NAME}:443 (Connection timed out)")
    ),
    "a server that is silent": Mistake(
        lambda site: _to_one_who_is_silent(site, f"http://{NAME}/xmlrpc/"), _failed("read timeout")
    ),
    "a name that nobody knows": Mistake(
        lambda site: site.log(address="no..such.name"),
        _failed(f"Can't connect to {NAME}:443 (Name or service not known)"),
    ),
    "a service that is down": Mistake(
        lambda site: site.log(port=site.another_nginx(upstream=free_port())), _failed("Bad Gateway")
    ),
    "a header that is too large": Mistake(lambda site: site.log(password="p" * 5000), _failed("Bad Request")),
    "a web page": Mistake(_to_a_web_page, "response: '\nmismatched tag at line …, column …, byte …:"),
    "a service that is busy": Mistake(
        _while_another_call_allocates,
        _fault(205, "busy: another allocation is being made, try again; nothing was written"),
        "XMLRPCprocessBlockTime: 205, busy: another allocation is being made, try again; nothing was written",
    ),
    "a database without tables": Mistake(_without_tables, _fault(206, "internal error (logged)")),
    "a front end that is down": Mistake(
        lambda site: site.log(arguments=("XMLRPCcheckCryptSecrets", "42")),
        _fault(208, "XMLRPCcheckCryptSecrets: VCL's front end, to which these calls are passed on, cannot be reached"),
        "XMLRPCcheckCryptSecrets: VCL's front end, to which these calls are passed on, cannot be reached: ",
    ),
    "a front end that is the service": Mistake(
        _passed_on_to_itself,
        _fault(
            209,
            "a call that this service passed on to VCL's front end came back to it: the addresses are crossed. "
            "VCL_FRONT_END_URL has to be the front end's own address, and must not lead here; xmlrpc_url of the "
            "management nodes is the one that leads here",
        ),
    ),
    "a method that is not here": Mistake(
        lambda site: site.log(arguments=("XMLRPCautoCapture", "42")),
        _fault(-32601, 'Method not found: "XMLRPCautoCapture"'),
    ),
}


def _self(site: Site) -> Path:
    return site.certificates["self-signed"]


def symptom(log: str) -> str:
    """The lines of vcld's log that tell one mistake from another; "…" for numbers that differ each time."""
    found = re.search(r"fault code: .*\nfault string: .*|response: '\n.*|response: .*", log)
    assert found, log
    text = re.sub(r"error:[0-9A-F]+:", "error:…:", found[0])
    return re.sub(r"\b(in|line|column|byte) \d+", r"\1 …", text)


def quoted() -> set[str]:
    """All symptoms on the page."""
    blocks = re.findall(r"^ *```text\n(.*?)^ *```", PAGE, re.MULTILINE | re.DOTALL)
    return {symptom(block) for block in blocks if VCLD.search(block)}


@pytest.mark.parametrize("name", MISTAKES)
def test_the_page_quotes_what_vcld_says(name: str, site: Site) -> None:
    mistake = MISTAKES[name]
    assert symptom(mistake.make(site)) == mistake.said
    assert mistake.said in quoted()
    if mistake.service:
        assert mistake.service in site.service.log.read_text()
        assert mistake.service.strip(": ") in PAGE


def test_the_page_quotes_nothing_else() -> None:
    assert quoted() == {mistake.said for mistake in MISTAKES.values()}


# --- What others than vcld say ------------------------------------------------------------------
OF_SYSTEMD = {
    "blockalloc.service: Main process exited, code=exited, status=2/INVALIDARGUMENT",
    "blockalloc.service: Failed with result 'exit-code'.",
}


def messages() -> list[str]:
    """Each line that the page quotes of another program than vcld."""
    blocks = re.findall(r"^```text\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return [line for block in blocks if not VCLD.search(block) for line in block.splitlines()]


def test_the_service_says_what_the_page_quotes() -> None:
    known_otherwise = OF_SYSTEMD | {mistake.service for mistake in MISTAKES.values() if mistake.service}
    of_the_service = [line for line in messages() if not any(text in line for text in known_otherwise)]
    assert len(of_the_service) > 15
    assert [line for line in of_the_service if not is_known(line)] == []
    assert set(messages()) >= OF_SYSTEMD


def test_rules_have_their_names() -> None:
    section = PAGE.partition("### Machines are missing")[2].partition("\n### ")[0]
    rows = re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`([^`]+)`", row)]
    assert len(named) > 6
    assert set(named) <= set(STAGES.values())


def test_a_quotation_that_nobody_says_is_found() -> None:
    assert is_known("keep_ready has not looked for …")
    assert not is_known("keep_ready has not been looking for …")
    assert not is_known("…")


def test_the_index_leads_to_every_symptom() -> None:
    _, _, after = PAGE.partition("## Who complains?")
    index, _, rest = after.partition("\n## ")
    linked = set(re.findall(r"\]\(#([\w-]+)\)", index))
    symptoms = re.findall(r"^### (.*)$", rest, re.MULTILINE)
    assert len(symptoms) > 40
    assert {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in symptoms} <= linked


def test_the_first_example_is_whole(site: Site) -> None:
    (example,) = re.findall(r"```text\n(RPC::XML::Client::send_request failed\nURL:.*?\n)```", PAGE, re.DOTALL)
    port = site.another_nginx(upstream=free_port())
    said = site.log(port=port, password="***", arguments=("XMLRPCprocessBlockTime", "4711", "1"))
    assert example == said


@pytest.mark.parametrize(
    ("url", "library", "said"),
    [
        ("blocks.example.edu/index.php", "", 'Can\'t locate object method "host_port"'),
        (URL, "die", "Protocol scheme 'https' is not supported (LWP::Protocol::https not installed)"),
    ],
)
def test_what_ends_a_call_before_it_is_made(url: str, library: str, said: str, tmp_path: Path) -> None:
    """`library` stands for LWP::Protocol::https."""
    if library:
        (tmp_path / "LWP" / "Protocol").mkdir(parents=True)
        (tmp_path / "LWP" / "Protocol" / "https.pm").write_text('die "Can\'t locate LWP/Protocol/https.pm in @INC"')
    command = ["perl", f"-I{tmp_path}", str(PROGRAM)]
    call = json.dumps(asdict(Call(1, url=url)))
    done = subprocess.run(command, input=call, capture_output=True, text=True, check=False)
    assert said in done.stdout + done.stderr
    assert said in PAGE


# --- Certificates ------------------------------------------------------------------------------
@pytest.mark.parametrize("variable", ["PERL_LWP_SSL_CA_FILE", "HTTPS_CA_FILE"])
@pytest.mark.parametrize("certificate", ["good", "other name"])
def test_a_ca_that_is_named_is_believed_whatever_the_name(certificate: str, variable: str, site: Site) -> None:
    assert variable in PAGE
    log = site.log(port=site.another_nginx(certificate), ca_variable=variable)
    assert "RPC call worked successfully" in log


def test_a_certificate_that_signed_itself_can_be_named(site: Site) -> None:
    log = site.log(port=site.another_nginx("self-signed"), ca_file=str(_self(site)))
    assert "RPC call worked successfully" in log


def test_a_silent_server_of_tls(site: Site) -> None:
    """Some versions of Perl's modules say why, some don't."""
    reasons = (_failed(f"Can't connect to {NAME}:443"), _failed(f"Can't connect to {NAME}:443 (Connection timed out)"))
    assert symptom(_to_one_who_is_silent(site)) in reasons


def test_what_vcld_says_is_not_said_without_a_mistake(site: Site) -> None:
    assert site.log().startswith("called RPC::XML::Client::send_request:\narguments: XMLRPCtest, x\n")
