"""The servers of the agnhost stand-in, with the log lines, answers and exit codes of the program that it stands in for.

It runs inside containers, with the machine's own Python of whatever version from 3.9 on: the standard library alone,
and nothing of Boathook. ``agnhost.sh`` starts it.
"""

# ruff: noqa: E402, UP006, UP017, UP035, UP041, UP045, TID251, N815
# Python 3.9 is to read it; it is no part of the engine, so it may look at the clock.

from __future__ import annotations

import os
import signal


def die_as_go(number: int, frame: object) -> None:
    """Go raises the signal again with the kernel's default, which PID 1 ignores; then it exits with 2."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(2)


# Before all else, which takes a while to import: PID 1 loses a signal that it has no handler for.
signal.signal(signal.SIGTERM, die_as_go)

import argparse
import errno
import http.server
import json
import random
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from datetime import datetime, timezone
from typing import Any, Callable, Dict, List, NoReturn, Optional, Tuple
from urllib.parse import parse_qs, urlsplit

TEXT = "text/plain; charset=utf-8"
REQUEST_LINE = re.compile(rb"[A-Z]+ \S+ HTTP/[0-9.]+\r?\n")
Answer = Tuple[int, str, Dict[str, str]]
Route = Callable[["Exchange"], Answer]

_writing = threading.Lock()
terminated = threading.Event()

_WOKEN, _WAKE = os.pipe()
os.set_blocking(_WAKE, False)
signal.set_wakeup_fd(_WAKE, warn_on_full_buffer=False)


def until_terminated() -> None:
    """Wait for the signal, to whichever thread it comes: one that waits for a lock would not hear of it.

    Reading is interrupted, or finds the byte that every signal leaves; the handler has run by then.
    """
    while not terminated.is_set():
        os.read(_WOKEN, 1)


def log(text: str, where: str = "log.go:244") -> None:
    """One line as klog writes it."""
    now = datetime.now(timezone.utc)
    line = f"I{now:%m%d %H:%M:%S.%f} {os.getpid():7d} {where}] {text}\n"
    with _writing:
        sys.stderr.write(line)
        sys.stderr.flush()


def say(text: str) -> None:
    with _writing:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def leave(code: int) -> NoReturn:
    os._exit(code)


class Exchange:
    """A request, as the routes see it."""

    def __init__(self, path: str, headers: List[Tuple[str, str]], client: str, body: bytes) -> None:
        parts = urlsplit(path)
        self.path = parts.path
        # Go leaves out what has a semicolon in it (net/url: parseQuery).
        plain = "&".join(part for part in parts.query.split("&") if ";" not in part)
        self.query = parse_qs(plain, keep_blank_values=True)
        self.headers = headers
        self.client = client
        self.body = body

    def value(self, name: str) -> str:
        return self.query.get(name, [""])[0]


def reply(text: str = "", status: int = 200, **headers: str) -> Answer:
    return status, text, {name.replace("_", "-"): value for name, value in headers.items()}


class Server(http.server.ThreadingHTTPServer):
    """Listens on all addresses of both families, as Go does, and answers with one function."""

    request_queue_size = 512
    daemon_threads = True
    address_family = socket.AF_INET6 if socket.has_ipv6 else socket.AF_INET

    def __init__(self, port: int, route: Route, tls: Optional[Tuple[str, str]] = None) -> None:
        self.route = route
        try:
            super().__init__(("", port), Handler)
        except OSError as error:
            if error.errno != errno.EAFNOSUPPORT:
                raise
            self.address_family = socket.AF_INET
            super().__init__(("", port), Handler)
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def server_bind(self) -> None:
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "", self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away, or says nothing sensible, is no matter."""

    def in_background(self) -> None:
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server
    raw_requestline: bytes

    def parse_request(self) -> bool:
        """What is no HTTP, such as the beginning of TLS, is answered with a status line, as Go does."""
        if REQUEST_LINE.fullmatch(self.raw_requestline):
            return super().parse_request()
        self.close_connection = True
        self.wfile.write(
            b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
            b"Connection: close\r\n\r\n400 Bad Request"
        )
        return False

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        address = self.client_address[0].replace("::ffff:", "")
        host = f"[{address}]" if ":" in address else address
        body = self.rfile.read(length)
        exchange = Exchange(self.path, self.headers.items(), f"{host}:{self.client_address[1]}", body)
        status, text, headers = self.server.route(exchange)
        content = text.encode()
        self.send_response_only(status)
        if content and "Content-Type" not in headers:
            self.send_header("Content-Type", TEXT)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Date", self.date_time_string())
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = _answer


def redirect(location: str, status: int = 302) -> Answer:
    reason = http.server.BaseHTTPRequestHandler.responses.get(status, ("Found", ""))[0]
    page = f'<a href="{location}">{reason}</a>.\n\n'
    return reply(page, status, Content_Type="text/html; charset=utf-8", Location=location)


class NetExec:
    """``netexec``: says what it is asked, and does what it is told."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.began = time.monotonic()
        self.udp_ready = False
        self.stopping = False
        self.routes: Dict[str, Route] = {
            "/clientip": self.client_ip,
            "/header": self.header,
            "/echo": self.echo,
            "/exit": self.exit,
            "/healthz": self.healthz,
            "/readyz": self.readyz,
            "/hostname": self.hostname,
            "/redirect": self.redirected,
            "/shell": self.shell,
            "/shutdown": self.shutdown,
            "/dial": self.missing,
            "/upload": self.missing,
        }

    def run(self) -> None:
        options = self.options
        tls = (options.tls_cert_file, options.tls_private_key_file) if options.tls_cert_file else None
        server = Server(options.http_port, self.route, tls)
        log(f"Started HTTP{'S' if tls else ''} server on port {options.http_port}")
        server.in_background()
        if options.udp_port != -1:
            threading.Thread(target=self.udp, daemon=True).start()
        until_terminated()
        if options.delay_shutdown:
            log(f"Sleeping {options.delay_shutdown} seconds before terminating...")
            self.stopping = True
            time.sleep(options.delay_shutdown)
        leave(0)

    def route(self, exchange: Exchange) -> Answer:
        if self.options.http_override:
            exchange = Exchange(self.options.http_override, exchange.headers, exchange.client, b"")
        return self.routes.get(exchange.path, self.root)(exchange)

    def root(self, exchange: Exchange) -> Answer:
        log("GET /")
        now = datetime.now(timezone.utc)
        return reply(f"NOW: {now:%Y-%m-%d %H:%M:%S.%f}000 +0000 UTC m=+{time.monotonic() - self.began:.9f}")

    def client_ip(self, exchange: Exchange) -> Answer:
        log("GET /clientip")
        return reply(exchange.client)

    def header(self, exchange: Exchange) -> Answer:
        key = exchange.value("key")
        log(f"GET /header?key={key}" if key else "GET /header")
        if key:
            return reply(next((value for name, value in exchange.headers if name.lower() == key.lower()), ""))
        kept: Dict[str, List[str]] = {}
        for name, value in exchange.headers:
            if name.lower() != "host":
                kept.setdefault("-".join(part.capitalize() for part in name.split("-")), []).append(value)
        return reply(json.dumps(kept, sort_keys=True, separators=(",", ":")))

    def echo(self, exchange: Exchange) -> Answer:
        message, code = exchange.value("msg"), exchange.value("code")
        log(f"GET /echo?msg={message}&code={code}")
        status, problem = _status(code, 200)
        return reply(problem or message, status)

    def exit(self, exchange: Exchange) -> Answer:
        code, timeout, wait = (exchange.value(name) for name in ("code", "timeout", "wait"))
        log(f"GET /exit?code={code}&timeout={timeout}&wait={wait}")
        log(
            f"Will begin shutdown in {wait or '0s'}, allowing {timeout or '0s'} for connections to close, "
            f"then will exit with {code or 0}"
        )
        number = int(code) if code.isdigit() else 0
        threading.Timer(seconds(wait) + min(seconds(timeout), 0.05), leave, (number,)).start()
        return reply()

    def healthz(self, exchange: Exchange) -> Answer:
        log("GET /healthz")
        return reply(status=200 if self.udp_ready else 412)

    def readyz(self, exchange: Exchange) -> Answer:
        log("GET /readyz")
        if self.stopping:
            return reply("shutting down", 503)
        return reply("ok") if self.udp_ready else reply(status=412)

    def hostname(self, exchange: Exchange) -> Answer:
        log("GET /hostname")
        return reply(socket.gethostname())

    def redirected(self, exchange: Exchange) -> Answer:
        location, code = exchange.value("location"), exchange.value("code")
        log(f"GET /redirect?msg={location}&code={code}")
        status, problem = _status(code, 302)
        return reply(problem) if problem else redirect(location, status)

    def shell(self, exchange: Exchange) -> Answer:
        command = exchange.value("cmd") or exchange.value("shellCommand")
        log(f"GET /shell?cmd={command}")
        done = subprocess.run(["/bin/sh", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        found: Dict[str, str] = {}
        if done.returncode:
            found["error"] = f"exit status {done.returncode}"
        if done.stdout:
            found["output"] = done.stdout.decode(errors="replace")
        log("Output: map[" + " ".join(f"{name}:{value}" for name, value in found.items()) + "]")
        return reply(json.dumps(found, separators=(",", ":")))

    def shutdown(self, exchange: Exchange) -> Answer:
        log("GET /shutdown")
        leave(0)

    def missing(self, exchange: Exchange) -> Answer:
        return reply(f'"{exchange.path}" is not provided by this stand-in', 501)

    def udp(self) -> None:
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(("", self.options.udp_port))
        log(f"Started UDP server on port  {self.options.udp_port}")
        self.udp_ready = True
        while True:
            data, (address, port) = server.recvfrom(2048)
            verb, _, rest = data.decode(errors="replace").strip().partition(" ")
            client = f"{address}:{port}"
            if verb.lower() == "hostname":
                log("Sending udp hostName response")
                server.sendto(socket.gethostname().encode(), (address, port))
            elif verb.lower() == "echo":
                log(f"Echoing {rest} to UDP client {client}")
                server.sendto(rest.encode(), (address, port))
            elif verb.lower() == "clientip":
                log(f"Sending clientip back to UDP client {client}")
                server.sendto(client.encode(), (address, port))


def _status(code: str, usual: int) -> Tuple[int, str]:
    if not code:
        return usual, ""
    if not code.isdigit():
        return 200, f"argument 'code' must be an integer or empty, got \"{code}\"\n"
    return int(code), ""


def seconds(duration: str) -> float:
    """``1m30s`` and the like."""
    units = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([0-9.]+)(ms|s|m|h)", duration))


def nettest(options: argparse.Namespace) -> None:
    """``nettest``: counts who has written to it."""
    received: Dict[str, int] = {}
    errors: List[str] = []

    def route(exchange: Exchange) -> Answer:
        name = socket.gethostname()
        if exchange.path == "/write":
            try:
                source = str(json.loads(exchange.body)["Source"])
                received[source] = received.get(source, 0) + 1
            except (ValueError, KeyError, TypeError) as error:
                errors.append(f"json decode error: {error}")
            return reply(json.dumps({"Hostname": name}, separators=(",", ":")) + "\n")
        if exchange.path == "/read":
            state = {"Hostname": name, "Sent": {}, "Received": received, "Errors": errors, "Log": []}
            return reply(json.dumps({**state, "StillContactingPeers": False}, indent="\t"))
        if exchange.path == "/quit":
            leave(0)
        return reply("running") if exchange.path == "/status" else reply("404 page not found\n", 404)

    Server(options.port, route).serve_forever()


def liveness(options: argparse.Namespace) -> None:
    """``liveness``: well for ten seconds."""
    began = time.monotonic()

    def route(exchange: Exchange) -> Answer:
        lived = time.monotonic() - began
        if exchange.path == "/started":
            return reply(f"{lived:.9f}s")
        if exchange.path == "/healthz":
            return reply("ok") if lived <= 10 else reply(f"error: {lived:.9f}", 500)
        if exchange.path == "/redirect":
            return redirect(exchange.value("loc"))
        if exchange.path in ("/sleep-headers", "/sleep-body"):
            time.sleep(seconds(exchange.value("time") or "0s"))
            size = int(exchange.value("size") or 0)
            return reply("." * size, _status(exchange.value("code"), 500)[0])
        return reply("404 page not found\n", 404)

    Server(8080, route).serve_forever()


def serve_hostname(options: argparse.Namespace) -> None:
    def route(exchange: Exchange) -> Answer:
        log(f"HTTP request from {exchange.client}")
        return reply(socket.gethostname())

    server = Server(options.port, route)
    log(f"Serving on port {options.port}.")
    server.in_background()
    until_terminated()
    log("Shutting down after receiving signal: terminated.")
    log("Awaiting pod deletion.")
    time.sleep(60)
    leave(0)


def saying(text: str) -> Route:
    return lambda exchange: reply(text)


def porter(options: argparse.Namespace) -> None:
    """``porter``: each port says what its variable holds."""
    certificate = os.environ.get("CERT_FILE", "/localhost.crt"), os.environ.get("KEY_FILE", "/localhost.key")
    for name, value in os.environ.items():
        found = re.fullmatch(r"SERVE_(TLS_)?PORT_([0-9]+)", name)
        if found:
            Server(int(found[2]), saying(value), certificate if found[1] else None).in_background()
    until_terminated()


def test_webserver(options: argparse.Namespace) -> None:
    """``test-webserver``: the files of the container."""
    os.chdir("/")
    http.server.ThreadingHTTPServer(("", options.port), http.server.SimpleHTTPRequestHandler).serve_forever()


def connect(options: argparse.Namespace) -> None:
    host, _, port = options.address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=seconds(options.timeout) or None).close()
    except socket.gaierror as error:
        problem = f"DNS: lookup {host}: {error.strerror}"
    except (socket.timeout, TimeoutError):
        problem = "TIMEOUT"
    except ConnectionRefusedError:
        problem = "REFUSED"
    except OSError as error:
        problem = f"OTHER: {error}"
    except (ValueError, OverflowError) as error:
        problem = f"UNKNOWN: {error}"
    else:
        leave(0)
    sys.stderr.write(problem + "\n")
    sys.stderr.flush()
    leave(1)


def logs_generator(options: argparse.Namespace) -> None:
    pause = seconds(options.run_duration) / options.log_lines_total
    for number in range(options.log_lines_total):
        verb, space = random.choice(("GET", "PUT", "POST")), random.choice(("kube-system", "default", "ns"))
        name = "".join(random.choice("0123456789abcdefghijklmnopqrstuvwxyz") for _ in range(3))
        log(
            f"{number} {verb} /api/v1/namespaces/{space}/pods/{name} {random.randint(200, 599)}", "logs_generator.go:76"
        )
        if number + 1 < options.log_lines_total:
            time.sleep(pause)


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="agnhost", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)

    def add(name: str, run: Callable[[argparse.Namespace], None]) -> argparse.ArgumentParser:
        command = commands.add_parser(name, allow_abbrev=False)
        command.set_defaults(run=run)
        return command

    netexec = add("netexec", lambda options: NetExec(options).run())
    for option, usual in (("--http-port", 8080), ("--udp-port", 8081), ("--sctp-port", -1), ("--delay-shutdown", 0)):
        netexec.add_argument(option, type=int, default=usual)
    for option in ("--tls-cert-file", "--tls-private-key-file", "--http-override"):
        netexec.add_argument(option, default="")
    for name, run, port in (
        ("nettest", nettest, 8080),
        ("serve-hostname", serve_hostname, 9376),
        ("test-webserver", test_webserver, 80),
    ):
        add(name, run).add_argument("--port", type=int, default=port)
    add("liveness", liveness)
    add("porter", porter)
    dialled = add("connect", connect)
    dialled.add_argument("address")
    dialled.add_argument("--timeout", default="0s")
    generator = add("logs-generator", logs_generator)
    generator.add_argument("-t", "--log-lines-total", type=int, required=True)
    generator.add_argument("-d", "--run-duration", required=True)
    return parser


def main() -> None:
    options = arguments().parse_args()
    if getattr(options, "sctp_port", -1) != -1:
        sys.exit("agnhost: --sctp-port is not provided by this stand-in")
    if options.command in ("netexec", "serve-hostname"):
        signal.signal(signal.SIGTERM, lambda number, frame: terminated.set())
    signal.signal(signal.SIGINT, die_as_go)
    options.run(options)


if __name__ == "__main__":
    main()
