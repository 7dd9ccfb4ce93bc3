"""`python -m deploy.container.healthcheck`: is the web service of this container well?

Exit status 0 when /healthz answers 200, otherwise 1; the output has the reason.
"""

import http.client
import sys

from vclsite import environment, http_server

TIMEOUT_SECONDS = 8  # less than that of HEALTHCHECK, so that the reason is told


def main() -> int:
    """Ask at the address on which gunicorn listens, by the first name that the service answers to."""
    address, _, port = http_server.BIND.rpartition(":")
    if address in ("", "0.0.0.0", "[::]"):  # noqa: S104 - all addresses of the container, its own one among them
        address = "127.0.0.1"
    hosts = environment.words("DJANGO_ALLOWED_HOSTS", "localhost")
    # ".example.edu" stands for all names below, and "*" for any.
    host = hosts[0].lstrip(".").replace("*", "localhost") if hosts else "localhost"
    connection = http.client.HTTPConnection(address.strip("[]"), int(port), timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/healthz", headers={"Host": host})
        answer = connection.getresponse()
        text = answer.read(200).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        print(f"{http_server.BIND}: {error}")
        return 1
    print(f"{answer.status} {text}")
    return 0 if answer.status == http.HTTPStatus.OK else 1


if __name__ == "__main__":
    sys.exit(main())
