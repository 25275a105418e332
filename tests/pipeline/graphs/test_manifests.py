"""The manifests of docs/running.md can be read, and a schema finds a field that does not exist."""

from tools.engines.manifests import faults, manifests

DEFINITION = {
    "spec": {
        "group": "songs.org",
        "names": {"kind": "Miner"},
        "versions": [
            {
                "name": "v1",
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": {
                                    "workers": {"type": "integer"},
                                    "port": {"x-kubernetes-int-or-string": True},
                                    "options": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                                },
                            }
                        },
                    }
                },
            }
        ],
    }
}


def manifest(version: str = "songs.org/v1", **spec: object) -> dict:
    return {"apiVersion": version, "kind": "Miner", "metadata": {"name": "a"}, "spec": spec}


def test_the_document_has_a_manifest_for_each_operator():
    assert {each["kind"] for each in manifests()} >= {"DaskCluster", "FlinkDeployment"}


def test_a_manifest_is_held_to_the_definition_of_its_kind():
    assert faults(manifest(workers=2, port="http", options={"any": 1}), DEFINITION) == []
    assert faults(manifest(workers="two"), DEFINITION) == ["spec.workers: 'two' is not of type 'integer'"]
    [wrong] = faults(manifest(wokers=2), DEFINITION)
    assert "'wokers' was unexpected" in wrong
    assert faults(manifest("songs.org/v2"), DEFINITION) == ["apiVersion songs.org/v2 is not among songs.org/v1"]
