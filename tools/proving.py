"""What the long proofs share: the daemon and the fleet as processes, HTTP, and the line of a result.

Python's standard library only. Every process is started here and ended here by its own id.
"""

import datetime
import http.client
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import time

PLAN_ORDERS = 20
SLICE = 50_000
ROOT = pathlib.Path(__file__).resolve().parent.parent


def built(binary):
    """The binary that was named, or a release build of this tree."""
    if binary:
        return pathlib.Path(binary).resolve()
    subprocess.run(["cargo", "build", "--quiet", "--release", "--locked"], cwd=ROOT, check=True)
    return ROOT / "target/release/doorstep"


def commit():
    """The commit that is checked out; `+` if anything differs from it."""
    def git(*arguments):
        run = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
        return run.stdout.strip()
    return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain") else "")


def tell(path, name, **facts):
    """Appends one line of facts to the file of results, and prints it."""
    today = datetime.date.today().isoformat()
    line = " ".join([name, f"commit={commit()}", f"date={today}"]
                    + [f"{key}={value}" for key, value in facts.items()])
    with open(path, "a", encoding="utf-8") as results:
        results.write(line + "\n")
    print(line, flush=True)


def free_port(kind):
    """A port that nobody has at this moment."""
    with socket.socket(socket.AF_INET, kind) as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def write_plan(path, couriers):
    """Couriers side by side in the north, their orders a kilometre apart."""
    chance = random.Random(42 + couriers.start)
    with path.open("w", encoding="utf-8") as out:
        out.write('{"epoch": 1772431200, "routes": [')
        for courier in couriers:
            lat, lon = 40 + courier % 1_000 * 0.01, -100 + courier // 1_000 * 0.1
            orders = [{"number": f"o{courier}-{at}", "lat": round(lat + at * 0.01, 7),
                       "lon": round(lon + chance.uniform(0, 0.05), 7), "service_duration_s": 60}
                      for at in range(PLAN_ORDERS)]
            route = {"number": f"r{courier}", "courier": f"c{courier}", "date": "2026-11-22",
                     "orders": orders}
            out.write(("," if courier > couriers.start else "") + json.dumps(route))
        out.write("]}")


def loaded(binary, directory, couriers):
    """The data directory with the plan in it."""
    data = directory / f"data-{couriers}"
    done = directory / f"data-{couriers}.done"
    begin = int(done.read_text()) if done.exists() else 0
    # A plan of all at once takes ten times the memory.
    for first in range(begin, couriers, SLICE):
        plan = directory / f"plan-{couriers}.json"
        end = min(first + SLICE, couriers)
        write_plan(plan, range(first, end))
        subprocess.run([binary, "load", "--plan", plan, "--data-dir", data, "--json"], check=True,
                       stderr=subprocess.DEVNULL)
        plan.unlink()
        done.write_text(str(end))
    return data


class Daemon:
    """`doorstep serve` on fixed ports, so that clients find it again."""

    def __init__(self, binary, directory, ports, settings="", within=(), flags=()):
        """`within` is a command that runs it, as strace does; `settings` is TOML; `flags` are
        more of `serve`'s own."""
        self.http, self.quic = ports
        self.within = within
        self.log = pathlib.Path(f"{directory}.log")
        config = pathlib.Path(f"{directory}.toml")
        # A proof asks as often as it can.
        config.write_text(f"{settings}\n[http]\nrequests_max = 0\n", encoding="utf-8")
        self.said = self.log.open("ab")
        self.from_byte = self.log.stat().st_size
        self.process = subprocess.Popen(
            [*within, binary, "serve", "--config", config, "--data-dir", directory,
             "--http", f"127.0.0.1:{self.http}", "--quic", f"127.0.0.1:{self.quic}", *flags],
            stdin=subprocess.DEVNULL, stdout=self.said, stderr=self.said)

    def told(self):
        """What it has said since it was started."""
        with self.log.open("rb") as log:
            log.seek(self.from_byte)
            return log.read().decode("utf-8", "replace")

    def wait_ready(self, seconds=120):
        """Waits until it serves."""
        ends = time.monotonic() + seconds
        while "\nready\n" not in self.told():
            if self.process.poll() is not None or time.monotonic() > ends:
                raise SystemExit(f"the daemon does not start: {self.told()}")
            time.sleep(0.02)
        return self

    def pid(self):
        """The daemon's own, where another command runs it."""
        own = self.process.pid
        if self.within:
            children = pathlib.Path(f"/proc/{own}/task/{own}/children").read_text().split()
            return int(children[0])
        return own

    def kill(self):
        """SIGKILL."""
        self.process.kill()
        self.process.wait()
        self.said.close()

    def stop(self):
        """SIGTERM; it must end well."""
        os.kill(self.pid(), signal.SIGTERM)
        code = self.process.wait(timeout=120)
        self.said.close()
        if code != 0:
            raise SystemExit(f"after SIGTERM the daemon ended with {code}: {self.told()}")


def simulate(binary, daemon, token, couriers, *arguments):
    """`doorstep simulate` into a daemon; its report goes to a pipe."""
    return subprocess.Popen(
        [binary, "simulate", "--couriers", str(couriers), "--token", token,
         "--into", f"http://127.0.0.1:{daemon.http}", "--json", *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)


class Unanswered(Exception):
    """The daemon died, or could not say: what was asked may have happened or not."""


class Api:
    """One connection to the HTTP API, kept alive."""

    def __init__(self, port, token):
        self.port, self.token, self.line = port, token, None

    def ask(self, method, path, body=None):
        """Status and parsed body."""
        status, raw = self.raw(method, path, body)
        return status, (json.loads(raw) if raw else None)

    def raw(self, method, path, body=None):
        """Status and bytes."""
        try:
            if self.line is None:
                self.line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            text = None if body is None else json.dumps(body)
            self.line.request(method, path, text, {
                "Authorization": f"OAuth {self.token}", "Content-Type": "application/json"})
            answer = self.line.getresponse()
            raw = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.line = None
            raise Unanswered(str(error)) from error
        if answer.status >= 500:
            raise Unanswered(f"{answer.status}: {raw[:300]!r}")
        return answer.status, raw

    def read(self, path):
        """A read that is tried again while shards are busy."""
        for _ in range(50):
            try:
                return self.ask("GET", path)
            except Unanswered:
                time.sleep(0.1)
        return self.ask("GET", path)


def positions(binary, directory):
    """The journal's positions, as `journal dump --json` prints them, with frame and sender."""
    dump = subprocess.Popen([binary, "journal", "dump", "--json", "--data-dir", directory],
                            stdout=subprocess.PIPE)
    for line in dump.stdout:
        if b'"position":{' in line:
            yield json.loads(line)
    if dump.wait() != 0:
        raise SystemExit("the journal cannot be read")
