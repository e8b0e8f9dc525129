"""How the kinds that the embedded cluster reads are written in protobuf, as Kubernetes' own Go types say.

`python -m tests.contract.api.protobuf` writes it anew (into embedded_cluster/requests/protobuf.json); it needs Go.
"""

import subprocess

import orjson

from embedded_cluster.kinds.served import BUILT_IN
from embedded_cluster.requests.protobuf import FILE
from tests.kube.binaries import HERE

CRD = "apiextensions.k8s.io"  # its types are none of client-go's
SENT_ONLY = [
    ("", "v1", "DeleteOptions"),
    ("", "v1", "Binding"),
    ("authentication.k8s.io", "v1", "SelfSubjectReview"),
    ("authentication.k8s.io", "v1", "TokenRequest"),
    ("authorization.k8s.io", "v1", "SelfSubjectAccessReview"),
    ("authorization.k8s.io", "v1", "SelfSubjectRulesReview"),
    ("autoscaling", "v1", "Scale"),
    ("policy", "v1", "Eviction"),
]


def collect() -> dict:
    """The table, from the module that the control plane is compiled from."""
    kinds = [(kind.group, kind.version, kind.kind) for kind in BUILT_IN if kind.group != CRD]
    command = ["go", "run", "./protobuf"]
    done = subprocess.run(command, cwd=HERE, input=orjson.dumps(kinds + SENT_ONLY), capture_output=True, check=True)
    return orjson.loads(done.stdout)


def main() -> None:
    table = collect()
    lines = [
        orjson.dumps({name: each}, option=orjson.OPT_SORT_KEYS)[1:-1] for name, each in sorted(table["types"].items())
    ]
    kinds = orjson.dumps(table["kinds"], option=orjson.OPT_SORT_KEYS)
    FILE.write_bytes(b'{"kinds":' + kinds + b',\n"types":{\n' + b",\n".join(lines) + b"\n}}\n")
    print(f"{len(lines)} types, {FILE.stat().st_size >> 10} KiB")


if __name__ == "__main__":
    main()
