"""XML-RPC clients of sites, Python's and Perl's, and what the server that they call needs."""

import json
import os
import shutil
import subprocess
import xmlrpc.client

import pytest

from tests.support.rpc_calls import SIGNED_IN
from tests.support.servers.live_server import LiveServer

# To be run in `manage.py shell`: a local account for vclsystem.
ACCOUNT = """
import hashlib
from blockalloc.models import LocalAuth, User
passhash = hashlib.sha1(b"p4ss" + b"8ht2Pa55").hexdigest()
LocalAuth.objects.create(user=User.objects.get(unityid="vclsystem"), passhash=passhash, salt="8ht2Pa55")
"""

# As VCL's back end calls its front end: name and password as default headers of the user agent, parameters
# as bare Perl values, whose types RPC::XML guesses. Prints the answer, or ["fault", code, text], as JSON.
PERL_CALL = r"""
use strict;
use warnings;
use JSON::PP;
use RPC::XML::Client;

my ($url, $headers, $method, @parameters) = @ARGV;
my $client = RPC::XML::Client->new($url);
my %headers = %{decode_json($headers)};
$client->useragent->default_header($_ => $headers{$_}) for keys %headers;
my $response = $client->send_request($method, @parameters);
die "no answer: $response\n" unless ref $response;
# No ->utf8: strings from the wire are bytes here, and go out as such.
my $json = JSON::PP->new->canonical->allow_nonref;
print $json->encode($response->is_fault ? ['fault', $response->code, $response->string] : $response->value);
"""


def database_url(request: pytest.FixtureRequest, name: str) -> str:
    """A database of its own on the server of the run; "" on SQLite."""
    if not request.config.getoption("--mariadb", default=False):
        return ""
    server = request.getfixturevalue("mariadb_server")
    server.execute(f"CREATE DATABASE {name} CHARACTER SET latin1")
    return str(server.url(name))


def python_client(server: LiveServer, path: str = "/xmlrpc/", **headers: str) -> xmlrpc.client.ServerProxy:
    """Python's client with the headers that VCL wants; an underscore in a name stands for a hyphen."""
    wanted = {**SIGNED_IN, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return xmlrpc.client.ServerProxy(server.url + path, headers=list(wanted.items()))


def perl_call(server: LiveServer, method: str, *parameters: str, **headers: str) -> object:
    """A call by Perl's client. Fails when the client does."""
    perl = shutil.which("perl")
    assert perl, "perl is not installed: apt-get install perl librpc-xml-perl (Debian, Ubuntu)"
    wanted = json.dumps({**SIGNED_IN, **{name.replace("_", "-"): value for name, value in headers.items()}})
    command = [perl, "-e", PERL_CALL, f"{server.url}/index.php?mode=xmlrpccall", wanted, method, *parameters]
    done = subprocess.run(command, env={**os.environ, "no_proxy": "*"}, capture_output=True, check=False)
    assert b"Can't locate RPC/XML" not in done.stderr, (
        "the Perl module RPC::XML::Client is not installed: apt-get install librpc-xml-perl (Debian, Ubuntu)"
    )
    assert done.returncode == 0, done.stderr.decode()
    answer: object = json.loads(done.stdout)
    return answer
