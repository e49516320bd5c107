"""What `ensue run --http` serves, looked at strictly.

  metrics.py check FILE             is it the text format of Prometheus 0.0.4?  Prints what is wrong.
  metrics.py value FILE NAME [LABEL=VALUE]...   the sum of the series that have these labels
  metrics.py list DEF DOCS FILE     are the metrics of DEF those of the table in DOCS, and those of FILE among them?
  metrics.py get URL                the page; exit 1 unless it is 200 (or, with a code behind, that)
  metrics.py hostile URL            what should not disturb the server, then whether it still answers
"""
import re
import socket
import sys
import time
import urllib.error
import urllib.request

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"'
SAMPLE = re.compile(r"(%s)(?:\{(%s(?:,%s)*)\})? ([-+]?[0-9]+(?:\.[0-9]+)?)$" % (NAME, LABEL, LABEL))
LABELS = {"stream", "type", "rule", "reason"}


def parse(text):
    """[(name, {label: value}, number)]; raises ValueError with the line."""
    samples, types, helps, seen, done = [], {}, set(), set(), set()
    if text and not text.endswith("\n"):
        raise ValueError("the last line has no end")
    current = None
    for line in text.split("\n")[:-1]:
        comment = re.match(r"# (HELP|TYPE) (%s) (.+)$" % NAME, line)
        if comment:
            kind, name, rest = comment.groups()
            if name != current:
                if name in done or name in helps:
                    raise ValueError("%s: its lines are not together" % name)
                done.add(current)
                current = name
            if kind == "HELP":
                if name in helps or re.search(r"\\(?![\\n])", rest):
                    raise ValueError(line)
                helps.add(name)
            else:
                if name in types or rest not in ("counter", "gauge") or name not in helps:
                    raise ValueError(line)
                types[name] = rest
            continue
        m = SAMPLE.match(line)
        if not m:
            raise ValueError("not a sample: %s" % line)
        name, labels, number = m.group(1), m.group(2) or "", m.groups()[-1]
        pairs = re.findall(LABEL, labels)
        unescape = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}
        found = {k: re.sub(r'\\[\\"n]', lambda e: unescape[e.group(0)], v) for k, v in pairs}
        if name != current or name not in types:
            raise ValueError("%s: not behind its TYPE" % name)
        if len(found) != len(pairs) or not set(found) <= LABELS:
            raise ValueError("labels: %s" % line)
        if (name, labels) in seen:
            raise ValueError("twice: %s" % line)
        if (types[name] == "counter") != name.endswith("_total") or (types[name] == "counter" and number[0] == "-"):
            raise ValueError("counters end in _total: %s" % line)
        if not name.startswith("ensue_"):
            raise ValueError("another's name: %s" % line)
        seen.add((name, labels))
        samples.append((name, found, float(number)))
    return samples


def read(path):
    with open(path, encoding="utf-8", newline="") as f:
        return f.read()


def check(path):
    try:
        if not parse(read(path)):
            raise ValueError("there are no samples")
    except ValueError as e:
        print(e)
        return 1
    return 0


def value(path, name, *labels):
    want = dict(x.split("=", 1) for x in labels)
    found = [v for n, l, v in parse(read(path)) if n == name and want.items() <= l.items()]
    print("none" if not found else ("%.6f" % sum(found)).rstrip("0").rstrip("."))
    return 0


BY = {"RUN": "", "STREAM": "stream", "TYPE": "type", "RULE": "rule", "LETTER": "stream, reason", "CEILING": "rule, reason"}


def compare(definitions, docs, path):
    listed = [(name, kind.lower(), BY[by]) for name, kind, by in
              re.findall(r'^X\(\w+, "(\w+)", (\w+), (\w+), \w+,', read(definitions), re.M)]
    told = re.findall(r"^\| `(ensue_\w+)` \| (counter|gauge) \| ([a-z, ]*?) ?\| ", read(docs), re.M)
    served = {n: ", ".join(sorted(l, key=["stream", "type", "rule", "reason"].index)) for n, l, _ in parse(read(path))}
    wrong = 0
    for a, b, what in ((listed, told, "not in the documentation"), (told, listed, "not in the list")):
        for row in a:
            if row not in b:
                print("%s (%s; by: %s): %s" % (row + (what,)))
                wrong = 1
    if listed != told and not wrong:
        print("the order is not the same")
        wrong = 1
    by = {name: labels for name, _, labels in listed}
    for name, labels in served.items():
        if by.get(name) != labels:
            print("%s is served with the labels %s" % (name, labels))
            wrong = 1
    return wrong


def get(url, code="200"):
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            status, body = answer.status, answer.read()
    except urllib.error.HTTPError as e:
        status, body = e.code, e.read()
    except OSError as e:
        print(e)
        return 1
    sys.stdout.write(body.decode())
    return 0 if status == int(code) else 1


def talk(place, data):
    """What is answered to these bytes, all of it."""
    got = b""
    with socket.create_connection(place, 10) as s:
        s.settimeout(10)
        try:
            s.sendall(data)
            while True:
                piece = s.recv(65536)
                if not piece:
                    break
                got += piece
        except (ConnectionResetError, BrokenPipeError):
            pass
    return got


def crowd(place):
    """More guests than there are places, from several addresses, none of whom says anything."""
    guests = []
    for i in range(40):
        s = socket.socket()
        if place[0] == "127.0.0.1":
            s.bind(("127.0.0.%d" % (2 + i // 8), 0))
        s.settimeout(2)
        try:
            s.connect(place)
        except OSError:
            pass
        guests.append(s)
    return guests


def answers(url):
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(url + "healthz", timeout=2) as page:
                return page.read() == b"ok\n"
        except OSError:
            time.sleep(0.1)
    return False


def hostile(url):
    host, port = re.match(r"http://([^/]*):(\d+)/", url).groups()
    place = (host.strip("[]"), int(port))
    wrong = 0
    for name, data, codes in (
            ("no HTTP", b"\x00\xff\xfe nonsense\r\n\r\n", (b"400", b"")),
            ("another method", b"DELETE / HTTP/1.1\r\nHost: x\r\n\r\n", (b"405",)),
            ("a body", b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\nabc", (b"405",)),
            ("a long path", b"GET /" + b"a" * 200000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", (b"414", b"431", b"413", b"400", b"")),
            ("long headers", b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: " + b"y" * 3000000 + b"\r\n\r\n", (b"431", b"413", b"400", b"")),
            ("another path", b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", (b"404",)),
            ("arguments", b"GET /healthz?a=%00&b HTTP/1.1\r\nHost: x\r\n\r\n", (b"200",)),
            ("HTTP 1.0", b"HEAD /healthz HTTP/1.0\r\n\r\n", (b"200",))):
        answer = talk(place, data)
        got = answer.split(b" ", 2)[1] if answer.startswith(b"HTTP/1.") else answer[:20]
        if got not in codes:
            print("%s: %r" % (name, got))
            wrong = 1
    guests = crowd(place)
    if not answers(url):
        print("silent guests keep others out")
        wrong = 1
    for s in guests + crowd(place):
        s.close()
    if not answers(url):
        print("guests that left keep others out")
        wrong = 1
    return wrong


if __name__ == "__main__":
    sys.exit({"check": check, "value": value, "list": compare, "get": get, "hostile": hostile}[sys.argv[1]](*sys.argv[2:]))
