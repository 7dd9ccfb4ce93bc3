"""Mails as they are sent: headers and body, and what the channel makes of servers of all kinds."""

import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from pytest_django import Settings

from blockalloc.notifications.delivery import NotDelivered, Outgoing, Refused
from blockalloc.notifications.mail import MailChannel, MailRound
from tests.support.servers import certificates
from tests.support.servers.mail_server import FAIR, Mail, MailServer, Said, scripted
from tests.support.servers.vcld import NAME
from vclsite.notifications import MailServer as Address

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]

PASSWORD = "pässwörd".encode("ascii", "ignore").decode() + "-s3cret"
MESSAGE = Outgoing(
    key="news-0123",
    recipient="mail:desk@example.edu",
    address="desk@example.edu",
    subject="CS101: 2 of 20 machines missing",
    text="Two machines are missing.\n.\n.hidden\n",
    html="<p>Two machines are missing.</p>",
    body="",
    unsubscribe=f"https://blocks.example.edu/unsubscribe/{'t' * 300}",
    created=1772467200,
)


@pytest.fixture
def server(settings: Settings) -> Iterator[MailServer]:
    """A server that takes everything."""
    settings.VCL_MAIL_FROM = "vcl@example.edu"
    with MailServer() as server:
        settings.VCL_SMTP_URL = Address("127.0.0.1", server.port)
        yield server


@pytest.fixture
def channel() -> Iterator[MailChannel]:
    channel = MailChannel(seconds=2)
    yield channel
    channel.close()


def failure(channel: MailChannel, message: Outgoing = MESSAGE) -> NotDelivered:
    """How the message is not delivered."""
    with pytest.raises(NotDelivered) as raised:
        channel.deliver(message)
    assert PASSWORD not in str(raised.value)
    return raised.value


def only(server: MailServer) -> Mail:
    (mail,) = server.received
    return mail


class TestTheMail:
    """What arrives."""

    def test_headers(self, server: MailServer, channel: MailChannel) -> None:
        channel.deliver(MESSAGE)
        assert (only(server).sender, only(server).to) == ("vcl@example.edu", "desk@example.edu")
        assert {name: str(value) for name, value in only(server).message.items()} == {
            "From": "Block allocations <vcl@example.edu>",
            "To": "desk@example.edu",
            "Subject": MESSAGE.subject,
            "Date": "Mon, 02 Mar 2026 16:00:00 +0000",
            "Message-ID": "<news-0123@example.edu>",
            "Auto-Submitted": "auto-generated",
            "List-Unsubscribe": f"<{MESSAGE.unsubscribe}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "MIME-Version": "1.0",
            "Content-Type": 'multipart/alternative; boundary="=_news-0123"',
        }
        assert channel.said == "250 2.0.0 taken"

    def test_text_and_html(self, server: MailServer, channel: MailChannel) -> None:
        text, html = f"Größe ✓ {'lang ' * 400}\n.\n.punkt\n", f"<p>Größe{'x' * 3000}</p>\n"
        channel.deliver(MESSAGE._replace(text=text, html=html))
        parts = {part.get_content_type(): part.get_content() for part in only(server).message.iter_parts()}
        assert {kind: body.replace("\r\n", "\n") for kind, body in parts.items()} == {
            "text/plain": text,
            "text/html": html,
        }
        lines = only(server).content.split(b"\r\n\r\n", 1)[1].split(b"\r\n")
        assert max(map(len, lines)) <= 76
        assert only(server).content.isascii()

    def test_without_an_address_to_unsubscribe(self, server: MailServer, channel: MailChannel) -> None:
        channel.deliver(MESSAGE._replace(unsubscribe="", html=""))
        message = only(server).message
        assert message["List-Unsubscribe"] is None
        assert message.get_content_type() == "text/plain"

    def test_each_attempt_sends_the_same_bytes(self, server: MailServer, channel: MailChannel) -> None:
        channel.deliver(MESSAGE)
        MailChannel().deliver(MESSAGE)
        assert server.received[0] == server.received[1]

    def test_a_subject_in_any_script_and_with_line_ends(self, server: MailServer, channel: MailChannel) -> None:
        channel.deliver(MESSAGE._replace(subject=f"Übung\r\nBcc: evil@example.edu\n 日本 {'x' * 200}"))
        assert only(server).message["Subject"] == f"Übung Bcc: evil@example.edu 日本 {'x' * 200}"
        assert only(server).message["Bcc"] is None

    @pytest.mark.parametrize(
        "address",
        ["", "desk", "a@b@c", "a b@example.edu", "a@example.edu\r\nRCPT TO:<evil@example.edu>", "a@example.edu\n",
         "<a@example.edu>", "a@exa..mple", f"a@{'x' * 70}.edu", "a,b@example.edu", "desk@"],
    )  # fmt: skip
    def test_what_is_no_address(self, server: MailServer, channel: MailChannel, address: str) -> None:
        with pytest.raises(Refused, match="is not a mail address"):
            channel.deliver(MESSAGE._replace(address=address))
        assert server.connections == 0

    def test_an_international_domain(self, server: MailServer, channel: MailChannel) -> None:
        channel.deliver(MESSAGE._replace(address="desk@exämple.edu"))
        assert only(server).to == "desk@xn--exmple-cua.edu"

    def test_an_international_address(self, server: MailServer, channel: MailChannel) -> None:
        channel.deliver(MESSAGE._replace(address="jörg@exämple.edu"))
        assert only(server).to == "jörg@xn--exmple-cua.edu"
        assert "To: jörg@xn--exmple-cua.edu\r\n".encode() in only(server).content

    def test_an_international_address_where_the_server_takes_none(
        self, settings: Settings, channel: MailChannel
    ) -> None:
        with MailServer(smtputf8=False) as server:
            settings.VCL_SMTP_URL = Address("127.0.0.1", server.port)
            with pytest.raises(Refused, match="SMTPUTF8"):
                channel.deliver(MESSAGE._replace(address="jörg@example.edu"))
            channel.deliver(MESSAGE)
        assert [mail.to for mail in server.received] == ["desk@example.edu"]


class TestConnections:
    """One is kept for the messages that follow."""

    def test_it_is_kept(self, server: MailServer, channel: MailChannel) -> None:
        for number in range(5):
            channel.deliver(MESSAGE._replace(key=f"news-{number}"))
        assert (len(server.received), server.connections) == (5, 1)

    def test_it_is_kept_after_a_refusal(self, server: MailServer, channel: MailChannel) -> None:
        server.recipient = lambda to: "550 5.1.1 no such user" if to.startswith("gone") else None
        with pytest.raises(Refused, match=r"^the mail server says: 550 5\.1\.1 no such user$"):
            channel.deliver(MESSAGE._replace(address="gone@example.edu"))
        channel.deliver(MESSAGE)
        assert (len(server.received), server.connections) == (1, 1)

    def test_one_that_the_server_has_closed_is_made_anew(self, settings: Settings, channel: MailChannel) -> None:
        with MailServer() as first:
            settings.VCL_SMTP_URL = Address("127.0.0.1", first.port)
            channel.deliver(MESSAGE)
        with MailServer(port=first.port) as second:
            channel.deliver(MESSAGE)
        assert second.ids == first.ids == ["<news-0123@localhost>"]

    def test_no_mail_server(self, settings: Settings, channel: MailChannel) -> None:
        settings.VCL_SMTP_URL = None
        assert failure(channel).everybody


class TestRefusals:
    """Who is refused, and for how long."""

    @pytest.mark.parametrize("at", ["RCPT", "DATA", "."])
    def test_for_good(self, settings: Settings, channel: MailChannel, at: str) -> None:
        with scripted({at: [b"554-5.7.1 this is\r\n554 5.7.1 spam \x07\r\n"]}) as (port, _):
            settings.VCL_SMTP_URL = Address("127.0.0.1", port)
            with pytest.raises(Refused, match=r"^the mail server says: 554 5\.7\.1 this is 5\.7\.1 spam$"):
                channel.deliver(MESSAGE)

    @pytest.mark.parametrize("at", ["RCPT", "DATA", "."])
    def test_for_now(self, settings: Settings, channel: MailChannel, at: str) -> None:
        with scripted({at: [b"451 4.7.1 greylisted\r\n"]}) as (port, _):
            settings.VCL_SMTP_URL = Address("127.0.0.1", port)
            error = failure(channel)
        assert (str(error), error.everybody) == ("the mail server says: 451 4.7.1 greylisted", False)

    @pytest.mark.parametrize(
        ("script", "said"),
        [
            ({"": [b"554 go away\r\n"]}, "cannot be reached: 554 go away"),
            ({"": [b"421 too busy\r\n"]}, "cannot be reached: 421 too busy"),
            ({"": []}, "cannot be reached: Connection unexpectedly closed"),
            ({"": [b"HTTP/1.1 400 Bad Request\r\n"]}, "cannot be reached"),
            ({"EHLO": [b"421 bye\r\n"], "HELO": [b"421 bye\r\n"]}, "cannot be reached: 421 bye"),
            ({"MAIL": [b"550 no such sender\r\n"]}, "takes nothing from the sender: 550 no such sender"),
            ({"MAIL": [b"452 disk full\r\n"]}, "takes nothing from the sender: 452 disk full"),
            ({"RCPT": [b"421 closing\r\n"]}, "the mail server says: 421 closing"),
            ({"RCPT": [b"530 sign in first\r\n"]}, "the mail server says: 530 sign in first"),
            ({".": [b"421 closing\r\n"]}, "the mail server says: 421 closing"),
        ],
    )
    def test_for_everybody(
        self, settings: Settings, channel: MailChannel, script: dict[str, Sequence[Said]], said: str
    ) -> None:
        with scripted(script) as (port, _):
            settings.VCL_SMTP_URL = Address("127.0.0.1", port)
            error = failure(channel)
        assert error.everybody
        assert said in str(error)

    def test_nobody_listens(self, settings: Settings, channel: MailChannel) -> None:
        with scripted({}) as (port, _):
            pass
        settings.VCL_SMTP_URL = Address("127.0.0.1", port)
        error = failure(channel)
        assert (str(error), error.everybody) == (
            f"the mail server 127.0.0.1:{port} cannot be reached: Connection refused", True,
        )  # fmt: skip

    def test_no_such_host(self, settings: Settings, channel: MailChannel) -> None:
        settings.VCL_SMTP_URL = Address("mail.invalid", 25)
        assert failure(channel).everybody

    def test_a_server_that_is_away_is_tried_once_a_round(self, settings: Settings) -> None:
        with scripted({"": []}) as (port, _):
            settings.VCL_SMTP_URL = Address("127.0.0.1", port)
            together = MailRound()
            assert failure(MailChannel(together)).everybody
            settings.VCL_SMTP_URL = Address("127.0.0.1", 1)  # it would be refused, with another text
            assert "Connection unexpectedly closed" in str(failure(MailChannel(together)))

    def test_a_server_that_breaks_off_three_messages_is_away(self, settings: Settings, channel: MailChannel) -> None:
        with scripted({".": []}) as (port, commands):
            settings.VCL_SMTP_URL = Address("127.0.0.1", port)
            assert [failure(channel).everybody for _ in range(4)] == [False, False, True, True]
            assert commands.count("DATA") == 3

    def test_one_that_answers_in_between_is_not(self, server: MailServer) -> None:
        """It is about their recipients, then."""
        channel = MailChannel(seconds=0.2)
        for _ in range(4):
            server.seconds = lambda _to: 60.0
            assert not failure(channel).everybody
            server.seconds = lambda _to: 0.0
            channel.deliver(MESSAGE)
        channel.close()


DRIPPING: Sequence[Said] = [part for _ in range(200) for part in (b"250-x\r\n", 0.1)]


class TestDeadline:
    """A delivery ends in time, whatever the server does."""

    @pytest.mark.parametrize("at", ["", "EHLO", "MAIL", "RCPT", "DATA", "."])
    @pytest.mark.parametrize("how", ["silent", "dripping"])
    def test_it_ends(self, settings: Settings, at: str, how: str) -> None:
        script = {at: [60.0] if how == "silent" else DRIPPING}
        with scripted(script) as (port, _):
            settings.VCL_SMTP_URL = Address("127.0.0.1", port)
            channel, began = MailChannel(seconds=0.3), time.monotonic()
            error = failure(channel)
            channel.close()
        assert 0.2 < time.monotonic() - began < 1.2
        assert "did not answer within 0.3 seconds" in str(error)
        assert error.everybody == (at in ("", "EHLO"))

    def test_a_server_that_reads_nothing(self, settings: Settings) -> None:
        with scripted({"DATA": [*FAIR["DATA"], 60.0]}) as (port, _):
            settings.VCL_SMTP_URL = Address("127.0.0.1", port)
            began = time.monotonic()
            error = failure(MailChannel(seconds=0.5), MESSAGE._replace(text="x" * 20_000_000, html=""))
        assert time.monotonic() - began < 8
        assert not error.everybody

    def test_tls_that_does_not_come_about(self, settings: Settings) -> None:
        with scripted({"": [60.0]}) as (port, _):
            settings.VCL_SMTP_URL = Address("127.0.0.1", port, "tls")
            began = time.monotonic()
            assert failure(MailChannel(seconds=0.5)).everybody
        assert time.monotonic() - began < 1.4


@pytest.fixture(scope="module")
def chains(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return certificates.make(tmp_path_factory.mktemp("certificates"))


def _context(chain: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context


class TestEncryption:
    """TLS from the first byte on, and STARTTLS: with a certificate that is trusted, or not at all."""

    @pytest.fixture(autouse=True)
    def _trusted(self, monkeypatch: pytest.MonkeyPatch, chains: dict[str, Path]) -> None:
        """The name in the certificates is that of this machine, and their root is trusted."""
        find = socket.getaddrinfo
        monkeypatch.setattr("socket.getaddrinfo", lambda _host, *rest, **more: find("127.0.0.1", *rest, **more))
        monkeypatch.setenv("SSL_CERT_FILE", str(chains["root"]))

    @pytest.mark.parametrize("security", ["tls", "starttls"])
    def test_a_good_certificate(
        self,
        settings: Settings,
        chains: dict[str, Path],
        channel: MailChannel,
        security: str,
    ) -> None:
        tls = _context(chains["good"])
        with MailServer(tls=tls, at_once=security == "tls", users={"vcl": PASSWORD}) as server:
            settings.VCL_SMTP_URL = Address(NAME, server.port, security, "vcl", PASSWORD)
            channel.deliver(MESSAGE)
            channel.deliver(MESSAGE)
        assert (len(server.received), server.connections) == (2, 1)

    @pytest.mark.parametrize("security", ["tls", "starttls"])
    @pytest.mark.parametrize("chain", ["expired", "other name", "self-signed", "no intermediate"])
    def test_a_certificate_that_is_not_good(
        self,
        settings: Settings,
        chains: dict[str, Path],
        channel: MailChannel,
        security: str,
        chain: str,
    ) -> None:
        with MailServer(tls=_context(chains[chain]), at_once=security == "tls", users={"vcl": PASSWORD}) as server:
            settings.VCL_SMTP_URL = Address(NAME, server.port, security, "vcl", PASSWORD)
            error = failure(channel)
        assert error.everybody
        assert "its certificate is not trusted" in str(error)
        assert server.received == []

    def test_no_starttls_no_mail(self, settings: Settings, server: MailServer, channel: MailChannel) -> None:
        settings.VCL_SMTP_URL = Address("127.0.0.1", server.port, "starttls", "vcl", PASSWORD)
        assert "it offers no STARTTLS" in str(failure(channel))
        assert server.received == []


class TestSignIn:
    """Name and password."""

    @pytest.fixture
    def closed(self) -> Iterator[MailServer]:
        with MailServer(users={"vcl": PASSWORD}) as server:
            yield server

    def test_it_is_made(self, settings: Settings, closed: MailServer, channel: MailChannel) -> None:
        settings.VCL_SMTP_URL = Address("127.0.0.1", closed.port, "", "vcl", PASSWORD)
        channel.deliver(MESSAGE)
        assert len(closed.received) == 1

    def test_a_wrong_password(self, settings: Settings, closed: MailServer, channel: MailChannel) -> None:
        settings.VCL_SMTP_URL = Address("127.0.0.1", closed.port, "", "vcl", "wrong" + PASSWORD)
        error = failure(channel)
        assert error.everybody
        assert str(error).endswith("refuses the sign-in: error 535")

    def test_what_the_server_repeats_is_not_said(self, settings: Settings, channel: MailChannel) -> None:
        script: dict[str, Sequence[Said]] = {
            "EHLO": [b"250-mail\r\n250 AUTH PLAIN LOGIN\r\n"],
            "AUTH": [f"535 wrong password {PASSWORD}\r\n".encode()],
        }
        with scripted(script) as (port, _):
            settings.VCL_SMTP_URL = Address("127.0.0.1", port, "", "vcl", PASSWORD)
            assert failure(channel).everybody

    def test_a_password_that_smtplib_cannot_send(
        self, settings: Settings, closed: MailServer, channel: MailChannel
    ) -> None:
        settings.VCL_SMTP_URL = Address("127.0.0.1", closed.port, "", "vcl", "pässwörd")
        error = failure(channel)
        assert "only ASCII characters" in str(error)
        assert "ä" not in str(error)
