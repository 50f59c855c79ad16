"""What a pod's containers see of its volumes: on the embedded runtime, by what a postStart hook says of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from boathook.home import Home
from boathook.model import HookResult, JsonObject
from boathook.pods.model import Phase
from tests.pods.build import a_container
from tests.pods.test_run import a_file, run, stdout

pytestmark = [pytest.mark.runtime, pytest.mark.anyio]

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to another group")

SETTINGS: JsonObject = {
    "kind": "ConfigMap",
    "apiVersion": "v1",
    "metadata": {"name": "settings"},
    "data": {"mode": "fast", "speed": "9"},
    "binaryData": {"raw": "/wA="},
    "immutable": True,
}
KEYS: JsonObject = {
    "kind": "Secret",
    "apiVersion": "v1",
    "metadata": {"name": "keys"},
    "data": {"token": "c2VjcmV0"},
    "stringData": {"user": "me"},
}

STAY = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done"]


async def seen(home: Home, script: str, *volumes: JsonObject, mounts: list[JsonObject], **how: Any) -> str:
    """What the hook writes that a container with these volumes has."""
    result = await looked(home, script, *volumes, mounts=mounts, **how)
    assert result.succeeded, result
    return stdout(result)


async def looked(
    home: Home,
    script: str,
    *volumes: JsonObject,
    mounts: list[JsonObject],
    spec: dict[str, Any] | None = None,
    **container: Any,
) -> HookResult:
    app = a_container(post_start=["sh", "-c", script], command=STAY, args=None, volumeMounts=mounts, **container)
    outcome = await run(home, a_file(app, objects=(SETTINGS, KEYS), volumes=[*volumes], **(spec or {})))
    return outcome.results[0]


def owner_and_mode(path: Path) -> tuple[int, int]:
    return path.stat().st_gid, path.stat().st_mode


def at(path: str, **mount: Any) -> JsonObject:
    return {"name": "v", "mountPath": path, **mount}


async def test_a_config_map_becomes_files_with_its_mode(home: Home) -> None:
    volume: JsonObject = {"name": "v", "configMap": {"name": "settings", "defaultMode": 0o640}}

    told = await seen(home, "cd /v; stat -c '%n %a' *; cat mode; od -An -tx1 raw", volume, mounts=[at("/v")])

    assert told.splitlines() == ["mode 640", "raw 640", "speed 640", "fast ff 00"]


async def test_items_choose_keys_and_may_lie_deeper_with_a_mode_of_their_own(home: Home) -> None:
    items: list[JsonObject] = [{"key": "token", "path": "a/b", "mode": 0o400}, {"key": "user", "path": "who"}]
    volume: JsonObject = {"name": "v", "secret": {"secretName": "keys", "items": [*items]}}

    told = await seen(home, "cd /v; find . -type f | sort; stat -c %a a/b; cat a/b who", volume, mounts=[at("/v")])

    assert told == "./a/b\n./who\n400\nsecretme"


async def test_what_is_optional_may_be_missing(home: Home) -> None:
    items: list[JsonObject] = [{"key": "none", "path": "n"}, {"key": "mode", "path": "m"}]
    whole: JsonObject = {"name": "v", "configMap": {"name": "none", "optional": True}}
    part: JsonObject = {"name": "w", "configMap": {"name": "settings", "optional": True, "items": [*items]}}

    told = await seen(home, "ls /v /w", whole, part, mounts=[at("/v"), {"name": "w", "mountPath": "/w"}])

    assert told == "/v:\n\n/w:\nm\n"


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        ({"configMap": {"name": "none"}}, 'configmap "none" not found'),
        (
            {"secret": {"secretName": "keys", "items": [{"key": "none", "path": "n"}]}},
            "references non-existent secret key: none",
        ),
    ],
)
async def test_a_pod_whose_object_or_key_is_missing_does_not_start(
    home: Home, volume: dict[str, Any], message: str
) -> None:
    outcome = await run(
        home, a_file(a_container(volumeMounts=[at("/v")]), volumes=[{"name": "v", **volume}], objects=(KEYS,))
    )

    assert outcome.phase is Phase.FAILED
    assert message in str(outcome.status)


async def test_a_pod_is_told_of_itself_in_files(home: Home) -> None:
    limit: JsonObject = {"containerName": "app", "resource": "limits.memory", "divisor": "1Mi"}
    items: list[JsonObject] = [
        {"path": "name", "fieldRef": {"fieldPath": "metadata.name"}},
        {"path": "uid", "fieldRef": {"fieldPath": "metadata.uid"}},
        {"path": "memory", "resourceFieldRef": limit},
    ]
    volume: JsonObject = {"name": "v", "downwardAPI": {"items": [*items]}}

    told = await seen(
        home,
        "cd /v; for one in *; do echo $one=$(cat $one); done",
        volume,
        mounts=[at("/v")],
        resources={"limits": {"memory": "64.5Mi"}},
    )

    assert told == "memory=65\nname=pod\nuid=uid-1\n"


async def test_a_projection_joins_several_sources_in_one_directory(home: Home) -> None:
    sources: list[JsonObject] = [
        {"configMap": {"name": "settings", "items": [{"key": "mode", "path": "settings/mode"}]}},
        {"secret": {"name": "keys"}},
        {"downwardAPI": {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]}},
        {"serviceAccountToken": {"path": "account/token", "audience": "vault"}},
    ]
    volume: JsonObject = {"name": "v", "projected": {"sources": [*sources]}}

    told = await seen(home, "cd /v; find . -type f | sort; cat account/token", volume, mounts=[at("/v")])

    assert told.splitlines() == [
        "./account/token",
        "./name",
        "./settings/mode",
        "./token",
        "./user",
        'nobody issues tokens here: this is none for service account "default" and audience "vault"',
    ]


@pytest.mark.parametrize(
    "volume",
    [
        {"configMap": {"name": "settings"}},
        {"secret": {"secretName": "keys"}},
        {"downwardAPI": {}},
        {"projected": {"sources": [{"configMap": {"name": "settings"}}]}},
    ],
)
async def test_what_is_written_for_the_pod_is_not_written_by_it(home: Home, volume: dict[str, Any]) -> None:
    told = await seen(home, "touch /v/x 2>&1 || :", {"name": "v", **volume}, mounts=[at("/v")])

    assert "Read-only file system" in told


async def test_a_mount_may_be_read_only_while_another_of_the_same_volume_is_not(home: Home) -> None:
    mounts = [at("/rw"), at("/ro", readOnly=True)]

    told = await seen(
        home, "echo 1 > /rw/x; cat /ro/x; touch /ro/y 2>&1 || :", {"name": "v", "emptyDir": {}}, mounts=mounts
    )

    assert told.splitlines()[0] == "1"
    assert "Read-only file system" in told


class TestSubPaths:
    async def test_a_path_inside_the_volume_is_made_as_the_volume_is(self, home: Home) -> None:
        user = {"runAsUser": 1000, "runAsGroup": 1000}
        mounts = [at("/all"), at("/part", subPath="a/b")]

        told = await seen(
            home,
            "echo 1 > /part/x; cat /all/a/b/x; stat -c %a /all/a /all/a/b",
            {"name": "v", "emptyDir": {}},
            mounts=mounts,
            securityContext=user,
        )

        assert told == "1\n777\n777\n"

    async def test_one_file_of_a_volume_can_be_mounted(self, home: Home) -> None:
        volume: JsonObject = {"name": "v", "configMap": {"name": "settings"}}

        assert await seen(home, "cat /etc/speed", volume, mounts=[at("/etc/speed", subPath="speed")]) == "9"

    async def test_an_expression_takes_the_variables_that_the_pod_sets(self, home: Home) -> None:
        env = [{"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]
        mounts = [at("/all"), at("/own", subPathExpr="logs/$(POD)")]

        told = await seen(home, "echo 1 > /own/x; find /all -type f", {"name": "v"}, mounts=mounts, env=env)

        assert told == "/all/logs/pod/x\n"

    @pytest.mark.parametrize(
        ("expression", "message"),
        [
            ("$(NONE)/$(ALSO)", "missing value for ALSO, NONE"),
            ("$(UP)", "unable to provision SubPath `../x`: must not contain '..'"),
            ("$(ROOT)", "error SubPath `/etc` must not be an absolute path"),
        ],
    )
    async def test_an_expression_that_comes_to_no_path_inside_starts_nothing(
        self, home: Home, expression: str, message: str
    ) -> None:
        env = [{"name": "UP", "value": "../x"}, {"name": "ROOT", "value": "/etc"}]
        app = a_container(env=env, volumeMounts=[at("/v", subPathExpr=expression)])

        outcome = await run(home, a_file(app, volumes=[{"name": "v"}]))

        assert message in str(outcome.status)

    async def test_a_link_does_not_lead_out_of_the_volume(self, home: Home, tmp_path: Path) -> None:
        (tmp_path / "v").mkdir()
        (tmp_path / "v" / "out").symlink_to("/etc")
        app = a_container(volumeMounts=[at("/v", subPath="out")])

        outcome = await run(home, a_file(app, volumes=[{"name": "v", "hostPath": {"path": str(tmp_path / "v")}}]))

        assert "leads out of its volume" in str(outcome.status)


OF_GROUP = {"securityContext": {"fsGroup": 2000}}


@as_root
class TestGroups:
    async def test_a_fresh_volume_belongs_to_the_group_and_so_does_what_is_made_in_it(self, home: Home) -> None:
        told = await seen(
            home,
            "mkdir /v/d; touch /v/f; stat -c '%g %a' /v; stat -c %g /v/d /v/f",
            {"name": "v", "emptyDir": {}},
            mounts=[at("/v")],
            spec=OF_GROUP,
            securityContext={"runAsUser": 1000, "runAsGroup": 1000},
        )

        assert told == "2000 2777\n2000\n2000\n"

    async def test_files_that_are_written_for_the_pod_can_be_read_by_the_group(self, home: Home) -> None:
        volume: JsonObject = {"name": "v", "secret": {"secretName": "keys", "defaultMode": 0o400}}

        told = await seen(
            home,
            "cat /v/token; stat -c ' %g %a' /v/token",
            volume,
            mounts=[at("/v")],
            spec=OF_GROUP,
            securityContext={"runAsUser": 1000, "runAsGroup": 1000},
        )

        assert told == "secret 2000 440\n"

    async def test_a_directory_of_the_machine_keeps_its_group(self, home: Home, tmp_path: Path) -> None:
        volume: JsonObject = {"name": "v", "hostPath": {"path": str(tmp_path)}}
        before = owner_and_mode(tmp_path)

        await seen(home, "true", volume, mounts=[at("/v")], spec=OF_GROUP)

        assert owner_and_mode(tmp_path) == before


class TestHostPaths:
    @pytest.mark.parametrize(("kind", "made"), [("DirectoryOrCreate", Path.is_dir), ("FileOrCreate", Path.is_file)])
    async def test_what_may_be_made_is_made(self, home: Home, tmp_path: Path, kind: str, made: Any) -> None:
        volume: JsonObject = {"name": "v", "hostPath": {"path": str(tmp_path / "new"), "type": kind}}

        await seen(home, "test -e /v", volume, mounts=[at("/v")])

        assert made(tmp_path / "new")

    async def test_a_file_in_a_missing_directory_is_not_made(self, home: Home, tmp_path: Path) -> None:
        volume: JsonObject = {"name": "v", "hostPath": {"path": str(tmp_path / "no/new"), "type": "FileOrCreate"}}

        outcome = await run(home, a_file(a_container(volumeMounts=[at("/v")]), volumes=[volume]))

        assert "No such file or directory" in str(outcome.status)
