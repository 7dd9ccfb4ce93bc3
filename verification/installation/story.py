"""What an operator does with a machine, from an archive to nothing; each chapter says what it found."""

import difflib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from verification.installation import picture, vcl_site
from verification.installation.container import Container

NAME = "blocks.example.edu"
CURRENT = "/opt/blockalloc/current"
_LOOPS = "blockalloc-keep-ready blockalloc-notify blockalloc-forecast"
_CALL = f'''
import json, ssl, sys, xmlrpc.client
headers = [("X-User", "{vcl_site.CALLER}"), ("X-Pass", "{vcl_site.PASSWORD}"), ("X-APIVERSION", "2")]
context = ssl.create_default_context(cafile="/root/ca.pem")
service = xmlrpc.client.ServerProxy("https://{NAME}/index.php?mode=xmlrpccall", headers=headers, context=context)
print(json.dumps(service.XMLRPCprocessBlockTime(int(sys.argv[1]), 1)))
'''
_WATCH = f"""
import ssl, sys, time, urllib.request
context = ssl.create_default_context(cafile="/root/ca.pem")
asked = lost = 0
while not __import__("os").path.exists("/root/stop"):
    asked += 1
    try:
        urllib.request.urlopen("https://{NAME}/healthz", context=context, timeout=30).read()
    except OSError as error:
        lost += 1
        print(error)
    time.sleep(0.06)  # nginx lets 20 a second in
print(asked, "asked,", lost, "lost")
"""
_CERTIFICATE = f"""
ec="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
openssl req -x509 $ec -keyout ca.key -out ca.pem -subj /CN=CA -days 30
openssl req $ec -keyout /etc/ssl/private/{NAME}.key -out leaf.csr -subj /CN={NAME}
echo subjectAltName=DNS:{NAME} >extension
openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -out /etc/ssl/certs/{NAME}.pem -days 30 -extfile extension
"""


class Broken(Exception):
    """Something is not as it should be; the text says what."""


@dataclass
class Story:
    """A machine, the versions of the archives in its /root, and where to tell what was found."""

    machine: Container
    versions: tuple[str, str, str]
    say: Callable[[str], None]

    # --- Chapters -----------------------------------------------------------------------------
    def site(self) -> None:
        """VCL's database and a certificate."""
        self.done("mariadb", stdin=vcl_site.sql())
        self.done(_CERTIFICATE)
        self.done(f"echo '127.0.0.1 {NAME} db.example.edu' >>/etc/hosts")
        self.done(f"tar xzf blockalloc-{self.versions[0]}.tar.gz")
        self.dumped = picture.dump(self.machine)

    def without_python(self) -> None:
        """The smallest system has no Python; bin/install says so, and what it would run."""
        text = self.done(f"{self._unpacked}/bin/install --dry-run")
        said = "apt-get install python3 python3-venv" in text
        self.holds(said, "a dry run without Python says what is missing", text)
        self.done("apt-get -q install -y --no-install-recommends python3 python3-venv")

    def dry_run(self) -> None:
        """Nothing is changed."""
        self.nobodys = picture.nobodys(self.machine)
        before = picture.files(self.machine)
        text = self.done(f"{self._unpacked}/bin/install --dry-run {self._options()}")
        self.same(before, picture.files(self.machine), "a dry run changes no file")
        self.holds("nothing was changed" in text, "and says so", text)

    def refusals(self) -> None:
        """Input that cannot be used is refused before anything is changed."""
        before = picture.files(self.machine)
        text = self.ends(2, f"{self._unpacked}/bin/install --database-server localhost")
        for option in ("--server-name", "--time-zone", "--front-end-url"):
            self.holds(f"{option} is missing" in text, f"{option} is asked for", text)
        wrong = "--server-name https://x --time-zone Mars/Base --database-server localhost --no-front-end"
        text = self.ends(2, f"{self._unpacked}/bin/install {wrong}")
        self.holds("not well-formed" in text and "no zone 'Mars/Base'" in text, "names are looked at", text)
        self.same(before, picture.files(self.machine), "refusals change no file")

    def installation(self) -> None:
        """Interrupted once, it goes on."""
        text = self.ends(
            130, f"timeout -s INT --preserve-status --foreground 30 {self._unpacked}/bin/install {self._options()}"
        )
        self.holds("What was done stays" in text, "Ctrl-C is answered", text)
        self.done(f"{self._unpacked}/bin/install {self._options()}", "it goes on after Ctrl-C, and ends")
        self.runs(self.versions[0])
        self.holds(self.ends(0, "blockalloc check_settings").endswith("Everything is in order.\n"), "check_settings")
        for secret in self._secrets():
            self.ends(1, f"grep -q -- '{secret}' /var/log/blockalloc-install.log", "a secret is not in the log")

    def call(self, block_time: int = vcl_site.FIRST_BLOCK_TIME) -> None:
        """A back end's call through nginx."""
        self.done("mariadb vcl -e 'UPDATE managementnode SET lastcheckin = NOW()'")  # as the nodes do all the time
        text = self.done(f"python3 - {block_time}", stdin=_CALL)
        answer = json.loads(text)
        self.holds(answer.get("allocated", 0) > 0, f"a signed-in call through nginx: {text.strip()}", text)
        count = f"SELECT COUNT(*) FROM blockComputers WHERE blockTimeid = {block_time}"  # noqa: S608
        computers = self.done(f"mariadb -N vcl -e '{count}'")
        self.holds(int(computers) == answer["allocated"], f"{computers.strip()} computers are in the class", text)

    def least_rights(self) -> None:
        """What the running account may not do."""
        for statement in ("DROP TABLE blockalloc_guard", "CREATE TABLE x (i int)", "UPDATE computer SET RAM = 1"):
            text = self.ends(1, f"mariadb $({self._account}) vcl -e '{statement}'")
            self.holds("ERROR 1142" in text, f"the running account may not {statement}", text)

    def again(self) -> None:
        """A second run changes nothing."""
        before, processes = picture.files(self.machine), self._processes()
        text = self.done(f"{CURRENT}/bin/install")
        self.holds("Nothing had to be changed." in text, "a second run says that nothing had to be changed", text)
        self.same(before, picture.files(self.machine), "a second run changes no file")
        self.holds(self._processes() == processes, "a second run restarts nothing")

    def upgrade(self) -> None:
        """To the next release, while it is called."""
        before = picture.files(self.machine)
        archive = f"blockalloc-{self.versions[1]}.tar.gz"
        self.done(f"{CURRENT}/bin/upgrade --dry-run {archive} {self._wheels}")
        self.same(before, picture.files(self.machine), "a dry run of an upgrade changes no file")
        self.done(f"systemd-run -q --unit watch -p StandardOutput=file:/root/watch /usr/bin/python3 -c '{_WATCH}'")
        self.done(f"{CURRENT}/bin/upgrade {archive} {self._wheels}", "an upgrade")
        self.done("touch stop; while systemctl is-active -q watch; do sleep 0.1; done; rm stop")
        text = self.done("cat watch; rm watch")
        self.holds(" 0 lost" in text, f"no request is lost meanwhile ({text.strip().splitlines()[-1]})", text)
        self.runs(self.versions[1])
        self.call(vcl_site.FIRST_BLOCK_TIME + 1)

    def broken_release(self) -> None:
        """A release that does not answer is taken back."""
        text = self.ends(1, f"{CURRENT}/bin/upgrade blockalloc-{self.versions[2]}.tar.gz {self._wheels}")
        is_back = f"back to {self.versions[1]}" in text and "runs again" in text
        self.holds(is_back, "a broken release is taken back", text)
        self.runs(self.versions[1])
        archive = f"blockalloc-{self.versions[2]}.tar.gz"
        self.ends(2, f"echo x >>{archive}; {CURRENT}/bin/upgrade {archive}", "a damaged archive is refused")

    def back(self) -> None:
        """To the release before, and its tables."""
        self.done(f"{CURRENT}/bin/upgrade --back", "going back one release")
        self.runs(self.versions[0])
        tables = self.done("mariadb -N vcl -e \"SHOW TABLES LIKE 'blockalloc%'\"").split()
        self.holds("blockalloc_next" not in tables, "the table of the newer release is gone")
        grants = self.done("mariadb -N -e 'SHOW GRANTS FOR blockalloc_migration@localhost'")
        self.holds("DROP" not in grants, "the right to drop is taken away again", grants)
        self.call(vcl_site.FIRST_BLOCK_TIME + 2)

    def removal(self, options: str = "") -> None:
        """Nothing is left, and VCL's tables are as they were but for the allocations."""
        command = f"{CURRENT}/bin/uninstall --drop-tables --remove-settings {options}"
        self.done(f"mkdir -p /etc/vcl; echo 'xmlrpc_url=https://{NAME}/index.php?mode=x' >/etc/vcl/vcld.conf")
        text = self.ends(2, command)
        self.holds("still calls this service" in text, "it is not removed while vcld calls it", text)
        self.done("rm -r /etc/vcl")
        before = picture.files(self.machine)
        self.done(f"{command} --dry-run")
        self.same(before, picture.files(self.machine), "a dry run of the removal changes no file")
        # It may write at any time; after a removal that failed it is stopped already.
        self.machine.run(f"systemctl stop blockalloc.socket blockalloc {_LOOPS}")
        dumped = self._vcl_only(picture.dump(self.machine))
        self.done(command, "the removal")
        after = picture.dump(self.machine)
        claims = r"^INSERT INTO `semaphore` VALUES .*'blockalloc[^']*'\);\n"
        self.holds(not re.search(claims, after, re.MULTILINE), "none of the service's rows is in VCL's tables")
        dumped = re.sub(claims, "", dumped, flags=re.MULTILINE)
        self.holds(dumped == after, "the removal changes nothing else in VCL's tables")
        self.holds(_structure(after) == _structure(self.dumped), "VCL's tables are those of the beginning")
        left = picture.nobodys(self.machine) - self.nobodys
        self.holds(left == set(), "files that no package brought are gone", str(left))
        named = {path for path in picture.named(self.machine, "blockalloc") if not path.startswith("/root/")}
        self.holds(named == {"/var/log/blockalloc-install.log"}, "nothing has its name but the log", str(named))
        users = self.done("cut -d: -f1 /etc/passwd /etc/group; mariadb -N -e 'SELECT user FROM mysql.user'")
        self.holds("blockalloc" not in users, "user and accounts are gone", users)
        self.holds(not self.done("systemctl --failed --no-legend").strip(), "no unit has failed")

    def with_an_administrator(self) -> None:
        """A database server whose administrator is somebody else; without a call, every row stays as it was."""
        before = picture.dump(self.machine)
        options = self._options().replace("localhost", "db.example.edu")
        text = self.ends(3, f"{self._unpacked}/bin/install {options}")
        self.holds("/etc/blockalloc/accounts.sql" in text, "it waits for the accounts", text)
        self.done("mariadb </etc/blockalloc/accounts.sql")
        self.done(f"{self._unpacked}/bin/install {options}", "with the accounts it goes on, and ends")
        self.runs(self.versions[0])
        self.done("mariadb -e \"GRANT ALL ON *.* TO admin@'%' IDENTIFIED BY 'of the admin' WITH GRANT OPTION\"")
        self.done(
            "printf '[client]\\nuser=admin\\npassword=\"of the admin\"\\n' >/run/admin.cnf; chmod 600 /run/admin.cnf"
        )
        text = self.ends(1, f"{CURRENT}/bin/uninstall --drop-tables")
        self.holds("print_grants going-back" in text, "without DROP it says how to get it", text)
        self.removal("--database-admin /run/admin.cnf")
        changed = list(difflib.unified_diff(before.splitlines(), picture.dump(self.machine).splitlines(), n=0))
        what = "VCL's tables are as they were before the installation, byte by byte"
        self.holds(not changed, what, "\n".join(line[:300] for line in changed[:50]))

    # --- What is asked ------------------------------------------------------------------------
    def runs(self, version: str) -> None:
        """The release is in use, and answers."""
        link = self.done(f"readlink {CURRENT}").strip()
        self.holds(link == f"releases/{version}", f"{version} is in use")
        self.done(f"systemctl is-active blockalloc.socket blockalloc.service {_LOOPS} nginx", "its units are active")
        folder = self.done("readlink /proc/$(systemctl show -p MainPID --value blockalloc.service)/cwd").strip()
        self.holds(folder == f"/opt/blockalloc/releases/{version}", "the process is of this release", folder)

    def done(self, script: str, what: str = "", stdin: str = "") -> str:
        """The output of a script that has to end with status 0."""
        return self.ends(0, script, what, stdin)

    def ends(self, status: int, script: str, what: str = "", stdin: str = "") -> str:
        """The output of a script that has to end with this status."""
        done = self.machine.run(script, stdin=stdin)
        self.holds(done.returncode == status, what, f"{script}\n{done.stdout}\nstatus {done.returncode}, not {status}")
        return done.stdout

    def holds(self, condition: bool, what: str, details: str = "") -> None:
        """Say that it holds, or raise Broken."""
        if not condition:
            raise Broken(f"{what or 'a command failed'}\n{details}")
        if what:
            self.say(f"  {what}")

    def same(self, before: Mapping[str, str], after: Mapping[str, str], what: str) -> None:
        """Two pictures are equal."""
        names = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
        self.holds(not names, what, "\n".join(sorted(names)[:20]))

    @property
    def _unpacked(self) -> str:
        return f"blockalloc-{self.versions[0]}"

    @property
    def _wheels(self) -> str:
        return "--wheels /root/wheels"

    def _options(self) -> str:
        zone = "--time-zone UTC --no-front-end"
        return f"--server-name {NAME} --database-server localhost {zone} {self._wheels}"

    @property
    def _account(self) -> str:
        """A command that prints the client's options for the running account."""
        pattern = r"s|^DATABASE_URL=mysql://\([^:]*\):\([^@]*\)@.*|--user=\1 --password=\2|p"
        return f"sed -n '{pattern}' /etc/blockalloc/blockalloc.env"

    def _secrets(self) -> list[str]:
        text = self.done("cat /etc/blockalloc/*.env")
        return re.findall(r"^DJANGO_SECRET_KEY=(.+)$", text, re.MULTILINE) + re.findall(r"//\w+:([^@]+)@", text)

    def _processes(self) -> str:
        return self.done(f"systemctl show -p MainPID --value blockalloc {_LOOPS} nginx")

    def _vcl_only(self, text: str) -> str:
        """The dump as it will be when the tables that are not VCL's are gone."""
        kept = set(re.findall(r"^CREATE TABLE `(\w+)`", self.dumped, re.MULTILINE))
        parts = re.split(r"(?=^--\n-- Table structure for table )", text, flags=re.MULTILINE)
        end = parts[-1][parts[-1].rindex("/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE") :]
        tables = [part for part in parts[1:] if re.match(r"--\n-- Table structure for table `(\w+)`", part)[1] in kept]  # type: ignore[index]
        tables[-1] = tables[-1].partition("/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE")[0]
        return parts[0] + "".join(tables) + end


def _structure(text: str) -> list[str]:
    """The tables in a dump, without the numbers that the next rows get."""
    found = re.findall(r"^CREATE TABLE .*?^\)[^\n]*;", text, re.MULTILINE | re.DOTALL)
    return [re.sub(r" AUTO_INCREMENT=\d+", "", table) for table in found]
