"""Requests for the front end: calls that have to be passed on, and bodies that only look like such calls."""

from dataclasses import replace
from random import Random

from verification.fuzz import documents, envelopes, generator
from verification.fuzz.passed_on import front_end
from verification.fuzz.request import PASSWORD_MARK, FuzzRequest
from verification.fuzz.site import PASSWORD
from verification.fuzz.values import anything

METHODS = ("XMLRPCautoCapture", "XMLRPCcheckCryptSecrets", "XMLRPCfinishBaseImageCapture")
MARKER = "X-Blockalloc-Passed-On"
SURE, GUESS = "passed on", "guess"  # recipes of calls that have to be passed on, but for a lock-out
ODD = "odd name"  # and that must not be

# How often each kind is made; "other" is a request that has nothing to do with the front end.
_RECIPES = {
    "other": 30, SURE: 24, GUESS: 8, "near miss": 24, "mutated": 8, "bad envelope": 16, "long": 2, "crossed": 1,
    "plain HTTP": 1, ODD: 3,
}  # fmt: skip
# Those who guess passwords: names that are one for a database, addresses that are one for the lock-out.
GUESSERS = ("guesser", "GUESSER", "gu\xc3\xa9sser", "guesser2@Local", "Guesser2@local")
PLACES = ("192.0.2.1", "192.0.2.2", "2001:db8:77::1", "2001:db8:77::2:1")

_PROLOGUES = (
    "", "<?xml version='1.0'?>", '<?xml version="1.0" encoding="UTF-8"?>\n',
    '<?xml version="1.0" encoding="us-ascii"?>',
    '<?xml version="1.0" encoding="iso-8859-1" ?>\r\n',
    '<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n\n', " \r\n\t", "\ufeff",
    '\ufeff<?xml version="1.0" encoding="utf-8"?>',
)  # fmt: skip
_MEDIA_TYPES = (
    "text/xml", "text/xml", "application/xml", "TEXT/XML", "text/xml; charset=utf-8", 'text/xml; charset="UTF-8"',
    "text/xml;charset=iso-8859-1", "", "application/rpc+xml",
)  # fmt: skip
_VERSIONS = ("2", "2", "2", "2", "1", "3", "", "two", "2,2", "\xb2")
_USERS = (
    "caller{}", "caller{}", "caller{}@Local", "call er{}", "{}" + "x" * 300, "{}%s\\'\"", "", ",{}", "{};", "{}>",
)  # fmt: skip
# Names of which the front end, or the database behind it, would make others.
_ODD_USERS = ("c\xc3\xa4ller{}", "c\xe4ller{}", "<b>{}</b>", "{}<", "call\x7fer{}", "\xa0{}")
# Headers that must stay here, and headers of which the front end must get another value.
_MORE_HEADERS = (
    ("Cookie", "PHPSESSID=x"), ("Authorization", "Basic eDp5"), ("Via", "1.1 x"), ("User-Agent", "somebody"),
    ("Accept-Encoding", "gzip, br"), ("Content-Encoding", "gzip"), ("X-Forwarded-For", "10.9.9.9"),
    ("X-Forwarded-Host", "elsewhere.example"), ("X-Forwarded-Proto", "http"), ("Forwarded", "for=10.9.9.9"),
    ("X-Idempotency-Key", "key"), ("Range", "bytes=0-1"), ("X-HTTP-Method-Override", "GET"),
    ("X-User-More", "x"), ("X-Original-URL", "/admin/"), ("Proxy", "http://127.0.0.1:9"), ("TE", "trailers"),
    ("Accept", "text/html"), ("Referer", "http://elsewhere.example/"), ("Origin", "null"), ("Content-MD5", "x"),
)  # fmt: skip


def request(seed: int, number: int) -> FuzzRequest:
    """Request `number` of the run with this seed and a front end."""
    rng = Random(f"passed on:{seed}:{number}")
    (recipe,) = rng.choices(list(_RECIPES), weights=list(_RECIPES.values()))
    if recipe == "other":
        return generator.request(seed, number)
    return replace(_make(rng, recipe, number), recipe=recipe)


def _make(rng: Random, recipe: str, number: int) -> FuzzRequest:
    if recipe == "near miss":
        return _near_miss(rng, number)
    made = _sure(rng, number)
    if recipe == GUESS:
        peer, user = rng.choice(PLACES), rng.choice(GUESSERS)
        temper = rng.choice(("fault_3", "fault_3", "fault_3", "good", "fault_7", "fault_8", "fault_34", "error"))
        made = replace(made.with_header("X-User", user), peer=peer)
        return made.with_header("X-Pass", _password(number, temper)).with_header("X-Forwarded-For")
    if recipe == "mutated":
        call = rng.choice(METHODS), [anything(rng) for _ in range(rng.randrange(3))]
        return replace(made, body=documents.mutated(rng, call))
    if recipe == "bad envelope":
        return envelopes.spoiled(rng, made, number)
    if recipe == "long":
        call = rng.choice(METHODS), [anything(rng)]
        return replace(made, body=documents.padded(rng, call, generator.MOST_BYTES))
    if recipe == ODD:
        made = replace(made, peer=f"198.18.{number % 65536 // 256}.{number % 256}").with_header("X-Forwarded-For")
        return made.with_header("X-User", rng.choice(_ODD_USERS).format(number))
    if recipe == "crossed":
        return made.with_header(MARKER, rng.choice(("1", "", "0")))
    if recipe == "plain HTTP":
        return replace(made, scheme="http")
    return made


def _password(number: int, temper: str) -> str:
    return f"{PASSWORD_MARK}{number}-{temper}"


def _sure(rng: Random, number: int) -> FuzzRequest:
    """A call that has to be passed on."""
    (kind,) = rng.choices((front_end.GOOD, front_end.FAULTS, front_end.BAD), weights=(3, 1, 2))
    made = envelopes.orderly(rng, _body(rng, rng.choice(METHODS)))
    if ":" in made.peer:  # all in one network, for the lock-out
        made = replace(made, peer=f"203.{number % 65536 // 256}.{number % 256}.{rng.randrange(1, 255)}")
    for name, text in rng.sample(_MORE_HEADERS, rng.choice((0, 0, 1, 3))):
        made = made.with_header(name, text)
    if rng.random() < 0.05:
        made = made.with_header("X-User")
    else:
        made = made.with_header("X-User", rng.choice(_USERS).format(number))
    made = made.with_header("X-APIVERSION", rng.choice(_VERSIONS))
    made = made.with_header("X-Pass", _password(number, rng.choice(kind)) + rng.choice(("", "", " x", ":\xff")))
    return made.with_header("Content-Type", rng.choice(_MEDIA_TYPES))


def _body(rng: Random, method: str) -> bytes:
    prologue = rng.choice(_PROLOGUES)
    white, more = rng.choice(("", "", "\n", "\r\n  ")), rng.choice(("", "\n", " \r\n"))
    values = [f"<value><string>{'x' * rng.choice((0, 10, 3000))}</string></value>"]
    values += [anything(rng) for _ in range(rng.choice((0, 0, 1, 3)))]
    params = "".join(f"<param>{each}</param>" for each in values)
    text = f"{prologue}<methodCall>{white}<methodName>{method}</methodName>{white}<params>{params}</params>{more}"
    return (text + "</methodCall>" + more).encode("iso-8859-1" if "iso-8859-1" in prologue else "utf-8", "replace")


# --- Near misses ------------------------------------------------------------------------------
_OTHERS = (
    "system.multicall", "XMLRPCaddRequest", "XMLRPCblockAllocation", "XMLRPCautoCaptures", "XMLRPCgetImages",
    "XMLRPCtest", "xmlrpcautocapture", "",
)  # fmt: skip
# {0} is a method that is passed on, {1} another one.
_TWO_NAMES = (
    "<methodCall><methodName>{0}</methodName><methodName>{1}</methodName><params/></methodCall>",
    "<methodCall><methodName>{1}</methodName><methodName>{0}</methodName><params/></methodCall>",
    "<methodCall><methodName>{0}</methodName><METHODNAME>{1}</METHODNAME><params/></methodCall>",
    "<methodCall><methodName>{0}</methodName><methodName a='>'>{1}</methodName><params/></methodCall>",
    "<methodCall><methodName>{0}</methodName><methodName\n>{1}</methodName></methodCall>",
    "<methodCall><methodName>{0}</methodName><params><methodName>{1}</methodName></params></methodCall>",
    "<methodCall><methodName>{0}</methodName><params><param><value><methodName>{1}</methodName></value></param>"
    "</params></methodCall>",
    "<methodCall><methodName>{0}</methodName><methodName/><params/></methodCall>",
    "<methodCall><methodName>{0}<methodName>{1}</methodName></methodName></methodCall>",
    "<methodCall><methodName>{0}</methodName></methodCall><methodCall><methodName>{1}</methodName></methodCall>",
    "<methodCall><methodName>{0}</methodName><methodCall><methodName>{1}</methodName></methodCall></methodCall>",
    "<methodCall><methodName>{0}</methodName></methodCall><!-- --><methodName>{1}</methodName>",
    "<methodCall><methodName>{0}</methodName><methodCall/></methodCall>",
    "<methodCall><methodName>{0}</methodName><!-- <methodName>{1}</methodName> --></methodCall>",
    "<methodCall><methodName>{0}</methodName><![CDATA[<methodName>{1}</methodName>]]></methodCall>",
    "<methodCall><methodName>{0}</methodName>{white}<methodName>{1}</methodName></methodCall>",
)
_ODD_NAMES = (
    "<methodCall><methodName> {0}</methodName><params/></methodCall>",
    "<methodCall><methodName>{0}\n</methodName><params/></methodCall>",
    "<methodCall><methodName>{0}.</methodName><params/></methodCall>",
    "<methodCall><methodName>{0}{1}</methodName><params/></methodCall>",
    "<methodCall><methodName>{0}<!-- -->{1}</methodName><params/></methodCall>",
    "<methodCall><methodName>{0}<x/>{1}</methodName><params/></methodCall>",
    "<methodCall><methodName><![CDATA[{0}]]></methodName><params/></methodCall>",
    "<methodCall><methodName>&#88;MLRPCautoCapture</methodName><params/></methodCall>",
    "<methodCall><methodName>{0}&#46;</methodName><params/></methodCall>",
    "<methodCall><methodName>{0}\x00</methodName><params/></methodCall>",
    "<methodCall><methodName>{0}</methodname><params/></methodCall>",
    "<methodCall><methodName>{1}</methodName><params><param><value>{0}</value></param></params></methodCall>",
    "<methodCall><methodName>{1}</methodName><name>{0}</name></methodCall>",
    "<methodCall><name>{0}</name><methodName>{1}</methodName></methodCall>",
    "<methodcall><methodName>{0}</methodName></methodcall>",
    "<METHODCALL><METHODNAME>{0}</METHODNAME></METHODCALL>",
    "<x><methodCall><methodName>{0}</methodName></methodCall></x>",
    "<simpleRPC><methodCall><methodName>{0}</methodName></methodCall></simpleRPC>",
    "<methodResponse><methodName>{0}</methodName></methodResponse>",
    "<x:methodCall xmlns:x='y'><x:methodName>{0}</x:methodName></x:methodCall>",
    "<methodCall a='<methodName>'><methodName>{0}</methodName></methodCall>",
    "<methodCall><params/><methodName>{0}</methodName></methodCall>",
    "<methodCall>x<methodName>{0}</methodName></methodCall>",
    "<methodCall><!-- x --><methodName>{0}</methodName></methodCall>",
    "<methodCall><methodName>{0}</methodName>",
    "<methodCall><methodName>{0}",
    "<methodName>{0}</methodName>",
)
_ODD_PROLOGUES = (
    "<!-- x -->", "<?x y?>", "<!DOCTYPE methodCall>", "<?xml version='1.1'?>", " <?xml version='1.0'?>",
    "<?xml version='1.0'?><?xml version='1.0'?>", "\ufeff\ufeff", "\x00", "x", "<x/>", "<",
    "<?xml version='1.0' encoding = 'utf-7'?>",
    "<?xml encoding='utf-7' version='1.0'?>", "<?xml version='1.0' standalone='no' encoding='utf-7'?>",
    "<?XML version='1.0'?>",
    "<!DOCTYPE a [<!ENTITY b '<methodName>XMLRPCaddRequest</methodName>'>]>",
    "<!DOCTYPE methodCall [<!ATTLIST methodName a CDATA 'b'>]>", "mode=main&continuation=x&y=", "--x\r\n\r\n",
    "\r\n\r\n", "{white}",
)  # fmt: skip
_ENCODINGS = (
    *documents.ENCODINGS,
    "hz",
    "iso-2022-kr",
    "cp1026",
    "utf-16",
    "utf-7",
    "utf-7",
    "utf-8",
    "bogus",
    "rot13",
)
_FORMS = (
    "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "application/json",
    "text/xml; charset=utf-7", "text/xml; charset=utf-16", "text/xml; charset=cp037", "text/xml; charset=bogus",
    "application/x-www-form-urlencoded; charset=utf-8", "text/xml, application/x-www-form-urlencoded",
)  # fmt: skip
_NAME = "<methodCall><methodName>{0}</methodName>"


def _near_miss(rng: Random, number: int) -> FuzzRequest:
    made = _sure(rng, number).with_header("X-APIVERSION", "2")
    if rng.random() < 0.6:  # a call that is not passed on is read here
        made = made.with_header("X-User", "vclsystem").with_header("X-Pass", PASSWORD)
    make = rng.choice((_templated, _templated, _with_prologue, _encoded, _hidden, _typed, _far, _named))
    return make(rng, made, rng.choice(METHODS), rng.choice(_OTHERS))


def _filled(rng: Random, template: str, method: str, other: str) -> str:
    text = template.replace("{white}", rng.choice((" ", "\n")) * rng.choice((900, 1000, 1100, 5000)))
    return text.replace("{0}", method).replace("{1}", other)


def _templated(rng: Random, made: FuzzRequest, method: str, other: str) -> FuzzRequest:
    text = _filled(rng, rng.choice(rng.choice((_TWO_NAMES, _ODD_NAMES))), method, other)
    return replace(made, body=(rng.choice(_PROLOGUES[:5]) + text).encode())


def _named(rng: Random, made: FuzzRequest, method: str, other: str) -> FuzzRequest:
    """Another name, in a call that is right but for that."""
    name = rng.choice(
        (other, method.lower(), method.upper(), method.swapcase(), method + "2", method[:-1], "x" + method)
    )
    return replace(made, body=(_filled(rng, _NAME, name, other) + "<params/></methodCall>").encode())


def _with_prologue(rng: Random, made: FuzzRequest, method: str, other: str) -> FuzzRequest:
    text = _filled(rng, rng.choice(_ODD_PROLOGUES), method, other) + _filled(rng, _NAME, method, other)
    return replace(made, body=(text + "<params/></methodCall>").encode())


def _encoded(rng: Random, made: FuzzRequest, method: str, other: str) -> FuzzRequest:
    """Declared to be in one encoding, and perhaps in another one."""
    declared = rng.choice(_ENCODINGS)
    text = f"<?xml version='1.0' encoding='{declared}'?>" + _filled(rng, _NAME, method, other) + "</methodCall>"
    real = rng.choice((declared, "utf-8", rng.choice(documents.ENCODINGS)))
    return replace(made, body=text.encode(real if real in documents.ENCODINGS else "utf-8"))


def _hidden(rng: Random, made: FuzzRequest, method: str, other: str) -> FuzzRequest:
    """Another name that only shows in UTF-7, in the declaration's or the caller's words."""
    hidden = f"<methodName>{other}</methodName>".replace("<", "+ADw-").replace(">", "+AD4-")
    declared = rng.choice(("", "", "utf-7", "UTF-7", "utf-8", "unicode-1-1-utf-7"))
    begin = f"<?xml version='1.0' encoding='{declared}'?>" if declared else ""
    text = begin + _filled(rng, _NAME, method, other) + hidden + "<params/></methodCall>"
    content_type = rng.choice(
        ("text/xml", "text/xml; charset=utf-7", "text/xml; charset=UTF-7", "text/xml; charset=utf-8")
    )
    return replace(made, body=text.encode()).with_header("Content-Type", content_type)


def _typed(rng: Random, made: FuzzRequest, _method: str, _other: str) -> FuzzRequest:
    """Right but for the Content-Type."""
    return made.with_header("Content-Type", rng.choice(_FORMS))


def _far(rng: Random, made: FuzzRequest, method: str, other: str) -> FuzzRequest:
    """The name at the end of the part of the body that is searched, or beyond."""
    white = " " * (1024 - len(_NAME) - len(method) + rng.randrange(-30, 60))
    return replace(made, body=(white + _filled(rng, _NAME, method, other) + "</methodCall>").encode())
