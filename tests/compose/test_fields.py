"""Fields of a service mean the same in both places: what a hook sees of them in a real container."""

from __future__ import annotations

from pathlib import Path

import pytest

from boathook.compose.place import Health, Status
from tests.compose.places import Begin

pytestmark = [pytest.mark.anyio, pytest.mark.runtime, pytest.mark.root]

APP = """
services:
  app:
    image: backend
    command: [sh, -c, 'trap "exit 0" TERM; while :; do sleep 0.1; done']
    environment: {A: "1", EMPTY: ""}
    env_file: [a.env]
    working_dir: /tmp
    hostname: boxer
    extra_hosts: ["far=10.1.2.3"]
    read_only: true
    tmpfs: ["/run:size=1m", /scratch]
    volumes:
      - /anonymous
      - ./kept:/kept:ro
      - data:/data
      - {type: tmpfs, target: /memory, tmpfs: {size: 1m}}
      - ./made:/made
    secrets: [plain]
    configs: [{source: plain, target: /etc/app.conf}]
    cap_drop: [ALL]
    cap_add: [CHOWN]
    stop_grace_period: 3s
    healthcheck: {test: "true", interval: 1s}
    post_start:
      - command:
          - sh
          - -c
          - |
            echo "$$A $$B [$$EMPTY] in $$(pwd) on $$(hostname)"
            grep -o '10.1.2.3.*far' /etc/hosts | tr -s '\\t ' ' '
            touch /x 2> /dev/null || echo "the root is read-only"
            touch /kept/x 2> /dev/null || echo "so is the bind"
            touch /run/x /scratch/x /anonymous/x /data/x /memory/x /made/x && echo "the rest is not"
            cat /run/secrets/plain /etc/app.conf
            grep CapEff /proc/self/status | tr -s '\\t ' ' '
secrets: {plain: {file: ./secret.txt}}
configs: {plain: {file: ./app.conf}}
volumes: {data: {}}
"""

SEEN = """\
1 2 [] in /tmp on boxer
10.1.2.3 far
the root is read-only
so is the bind
the rest is not
hush
conf
CapEff: 0000000000000001"""


async def test_a_container_is_what_its_service_says(real: Begin, tmp_path: Path) -> None:
    (tmp_path / "a.env").write_text("B=2\n")
    (tmp_path / "secret.txt").write_text("hush\n")
    (tmp_path / "app.conf").write_text("conf\n")
    (tmp_path / "kept").mkdir()

    async with real(APP) as place:
        await place.worker.up()

        assert place.outputs() == {"app-1 post_start[0]": SEEN}
        assert (tmp_path / "made" / "x").exists()
        await place.worker.down()


CONTENT = """
services:
  app:
    image: backend
    command: [sh, -c, 'ls -ln /run/secrets/token /hello | cut -c 1-10; cat /run/secrets/token /hello']
    secrets: [{source: token, mode: 0400}]
    configs: [hello]
secrets: {token: {environment: TOKEN}}
configs: {hello: {content: " and $$x"}}
"""


async def test_secrets_and_configs_of_variables_and_text_are_files_in_the_container(real: Begin) -> None:
    async with real(CONTENT) as place:
        await place.worker.up()
        member = await place.member()
        await place.worker.place.wait(member.id)

        assert sorted((await place.log(member)).splitlines()) == ["-r--------", "-r--r--r--", "token and $x"]
        await place.worker.down()


DEPENDENT = """
services:
  app:
    image: backend
    command: [sh, -c, 'exit 0']
    depends_on:
      once: {condition: service_completed_successfully}
      checked: {condition: service_healthy}
      gone: {condition: service_started, required: false}
  once: {image: backend, command: [sh, -c, 'exit 0']}
  checked:
    image: backend
    command: [sh, -c, 'sleep 0.5; touch /tmp/ready; sleep 1000']
    stop_signal: SIGKILL
    healthcheck: {test: [CMD, test, -e, /tmp/ready], interval: 300ms}
  again: {image: backend, command: [sh, -c, 'echo run; exit 3'], restart: on-failure:2}
"""


@pytest.mark.behaviour("compose:3")
async def test_conditions_are_awaited_and_policies_start_again(real: Begin) -> None:
    async with real(DEPENDENT) as place:
        await place.worker.up()
        again = await place.member("again")

        ended = await place.worker.place.wait(again.id)

        assert ended.code == 3
        assert (await place.log(again)).split() == ["run"] * 3
        assert (await place.member("checked")).health is Health.HEALTHY
        once = await place.member("once")
        assert (once.status, once.exit is not None and once.exit.code) == (Status.EXITED, 0)
        await place.worker.down()
