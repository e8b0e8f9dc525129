"""What somebody types who tries a cluster out, chapter by chapter: every line runs in a namespace of its own, on the
embedded cluster and on a real one, with kubectls of many years."""

from dataclasses import dataclass

MANIFESTS = {
    "map": "{apiVersion: v1, kind: ConfigMap, metadata: {name: m}, data: {a: '1'}}",
    "elsewhere": "{apiVersion: v1, kind: ConfigMap, metadata: {name: m, namespace: nowhere}, data: {a: '1'}}",
    "nameless": "{apiVersion: v1, kind: ConfigMap, metadata: {labels: {a: b}}}",
    "generated": "{apiVersion: v1, kind: ConfigMap, metadata: {generateName: m-}}",
    "unknown-kind": "{apiVersion: example.com/v1, kind: Thing, metadata: {name: t}}",
    "unknown-field": "{apiVersion: v1, kind: ConfigMap, metadata: {name: m}, datta: {a: '1'}}",
    "bad-type": "{apiVersion: v1, kind: ConfigMap, metadata: {name: m}, data: {a: 1}}",
    "bad-env": """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: "img:1", env: [{name: A, value: 1}]}]}
""",
    "bad-job": """
apiVersion: batch/v1
kind: Job
metadata: {name: j}
spec: {template: {spec: {containers: [{name: c, image: "img:1"}]}}}
""",
    "bad-cron": """
apiVersion: batch/v1
kind: CronJob
metadata: {name: j}
spec:
  schedule: "99 * * * *"
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: "img:1"}]}}}}
""",
    "bundle": """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: "img:1", livenessProbe: {httpGet: {port: 80}}}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, labels: {app: web}}
spec: {selector: {app: web}, ports: [{port: 80}]}
""",
    "grid": """
apiVersion: superedge.io/v1
kind: DeploymentGrid
metadata: {name: g}
spec:
  gridUniqKey: zone
  template:
    replicas: 1
    selector: {matchLabels: {app: g}}
    template:
      metadata: {labels: {app: g}}
      spec: {containers: [{name: c, image: "img:1"}]}
""",
    "budget": """
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: b}
spec: {minAvailable: 2, selector: {matchLabels: {app: web}}}
""",
    "limits": """
apiVersion: v1
kind: LimitRange
metadata: {name: lr}
spec: {limits: [{type: Container, default: {cpu: 500m}, max: {cpu: "2", memory: 1Gi}}]}
""",
    "replicated": """
apiVersion: v1
kind: ReplicationController
metadata: {name: rc}
spec:
  replicas: 2
  template:
    metadata: {labels: {app: rc}}
    spec: {containers: [{name: c, image: "img:1"}]}
""",
}
MANIFESTS["changed"] = (
    MANIFESTS["bundle"].replace("img:1", "img:2").replace(", livenessProbe: {httpGet: {port: 80}}", "")
)


@dataclass(frozen=True)
class Step:
    """A line after `kubectl`; what its output has to have in it; its exit code. What the two clusters say is compared,
    unless `compared` names why not. Before the minor version `since` kubectl says something of its own."""

    line: str
    says: str = ""
    code: int = 0
    compared: str = ""
    since: int = 0


def no(line: str, says: str, **options) -> Step:
    """A line that fails."""
    return Step(line, says, 1, **options)


NODES = "the nodes are other machines"
SERVER = "it is about this very server"
OWNERS = "kubectls of old show managedFields"
STREAMED = "no kubelet is reached with SPDY, on the embedded cluster not at all; which both say in their own words"
PODS = "a stand-in for the kubelets is none in every detail"

NAMESPACES = [
    Step("create ns {ns}-b", "namespace/{ns}-b created"),
    no("create ns {ns}-b", '(AlreadyExists): namespaces "{ns}-b" already exists'),
    no("create ns Bad_Name", "a lowercase RFC 1123 label must consist of"),
    Step("get ns {ns}-b", "Active"),
    Step("get ns {ns}-b -o yaml", "- kubernetes", compared=OWNERS),
    Step("describe ns {ns}-b", "No resource quota."),
    Step("get sa -n {ns}-b", "default"),
    Step("get configmap -n {ns}-b", "kube-root-ca.crt"),
    Step("get all -n {ns}-b", "No resources found in {ns}-b namespace."),
    Step("get svc kubernetes -n default", "443/TCP"),
    Step("get pods -n nowhere", "No resources found in nowhere namespace."),
    no("create configmap m --from-literal=a=1 -n nowhere", 'namespaces "nowhere" not found'),
    no("create deployment web --image=img:1 -n nowhere", 'namespaces "nowhere" not found'),
    no("run web --image=img:1 -n nowhere", 'namespaces "nowhere" not found'),
    no("apply -n nowhere -f {elsewhere}", 'namespaces "nowhere" not found'),
    no("apply -n nowhere --server-side -f {elsewhere}", 'namespaces "nowhere" not found'),
    no("apply -f {elsewhere}", 'the namespace from the provided object "nowhere" does not match the namespace "{ns}"'),
    no("delete ns default", "is forbidden: this namespace may not be deleted"),
    Step("delete ns {ns}-b", 'namespace "{ns}-b" deleted'),
    no("get ns {ns}-b", '(NotFound): namespaces "{ns}-b" not found'),
]

MISTAKES = [
    no("get foo", 'the server doesn\'t have a resource type "foo"'),
    no("get deploymnt", 'the server doesn\'t have a resource type "deploymnt"'),
    no("get pods,svc,foo", 'the server doesn\'t have a resource type "foo"'),
    no("describe foo", 'the server doesn\'t have a resource type "foo"'),
    no("delete foo x", 'the server doesn\'t have a resource type "foo"'),
    no("explain foo", 'the server doesn\'t have a resource type "foo"', since=30),
    no("explain pods.spec.nothing", 'field "nothing" does not exist'),
    no("get pods nothing", '(NotFound): pods "nothing" not found'),
    no("get pod/nothing svc/nothing", '(NotFound): services "nothing" not found'),
    no("describe pod nothing", '(NotFound): pods "nothing" not found'),
    no("delete pod nothing", '(NotFound): pods "nothing" not found'),
    no("logs nothing", 'pods "nothing" not found'),
    no("exec nothing -- ls", 'pods "nothing" not found'),
    no("scale deploy nothing --replicas=1", ""),
    no("expose deploy nothing --port=80", 'deployments.apps "nothing" not found'),
    no("rollout status deploy/nothing", 'deployments.apps "nothing" not found'),
    no("drain nothing", '(NotFound): nodes "nothing" not found'),
    no("get pods --field-selector=spec.nothing=1", "field label not supported: spec.nothing"),
    no("create -f {elsewhere}", "does not match the namespace"),
    no("replace -f {map}", 'configmaps "m" not found'),
    no("apply -f {nameless}", "resource name may not be empty"),
    no("apply -f {unknown-kind}", 'no matches for kind "Thing" in version "example.com/v1"'),
    no("apply -f {unknown-field}", 'unknown field "datta"'),
    no("create -f {unknown-field}", 'unknown field "datta"'),
    no("apply -f {bad-type}", "", compared=""),
    no("apply -f {bad-env}", ""),
    no(
        "create -f {bad-env} --validate=false", "Go struct field EnvVar.spec.template.spec.containers.env.value of type"
    ),
    no("apply -f {bad-job}", 'Required value: valid values: "OnFailure", "Never"'),
    no("apply -f {bad-cron}", "end of range (99) above maximum (59): 99"),
    no("create deployment Web_ --image=img", "a lowercase RFC 1123 subdomain must consist of"),
    no("create role bad --verb=get --resource=foo", 'the server doesn\'t have a resource type "foo"'),
    Step("create -f {map}", "configmap/m created"),
    no("create -f {map}", 'configmaps "m" already exists'),
    no("label cm m bad/key/x=1", "a valid label key must consist of"),
    no("label cm m 'k=bad value'", "a valid label must be an empty string or consist of"),
    no("wait --for=condition=Nothing ns/{ns} --timeout=1s", "timed out waiting for the condition"),
]

DISCOVERY = [
    Step("version", "v1.37.2", compared=SERVER),
    Step("cluster-info", "is running at", compared=SERVER),
    Step("get --raw /healthz", "ok"),
    Step("get --raw /readyz?verbose", "[+]ping ok", compared=SERVER),
    Step("get --raw /apis/autoscaling", "autoscaling/v2"),
    Step("api-versions", "apps/v1", compared="fewer kinds are served"),
    Step("explain pods", "collection of containers"),
    Step("explain pod.spec.containers", "A single application container"),
    Step("explain deploy.spec.strategy --recursive", "maxSurge"),
    Step("explain cronjob.spec", "concurrencyPolicy"),
    Step("explain ingress.spec.rules", "host"),
    no("top nodes", "Metrics API not available"),
    no("top pods", "Metrics API not available"),
    Step("get pv,sc,ingressclass", "No resources found"),
    Step(
        "get pvc,hpa,jobs,cronjobs,ing,netpol,quota,pdb,rc,roles,rolebindings", "No resources found in {ns} namespace."
    ),
    Step("get events", "No resources found in {ns} namespace."),
]

OBJECTS = [
    Step("create configmap cm1 --from-literal=a=1 --from-literal=b=2", "configmap/cm1 created"),
    no("create configmap cm1 --from-literal=a=1", 'configmaps "cm1" already exists'),
    Step("create secret generic s1 --from-literal=password=x", "secret/s1 created"),
    Step(
        "create secret docker-registry s2 --docker-username=u --docker-password=p --docker-server=r.example", "created"
    ),
    Step("create sa robot", "serviceaccount/robot created"),
    Step("create service clusterip svc1 --tcp=80:8080", "service/svc1 created"),
    Step("create service nodeport svc2 --tcp=80", "service/svc2 created"),
    Step("create service loadbalancer svc3 --tcp=80", "service/svc3 created"),
    Step("create service externalname svc4 --external-name=example.com", "service/svc4 created"),
    Step("create ingress ing --rule=foo.example/bar*=svc1:80", "ingress.networking.k8s.io/ing created"),
    Step("create quota q --hard=pods=50,services=20", "resourcequota/q created"),
    Step("create -f {limits}", "limitrange/lr created"),
    Step("create poddisruptionbudget pdb --selector=app=web --min-available=1", "pdb created", since=21),
    Step("create priorityclass {ns}-pc --value=1000 --description=x", "{ns}-pc created"),
    Step("create cronjob tick --image=busybox --schedule='*/5 * * * *' -- date", "tick created", since=21),
    no("create cronjob bad --image=busybox --schedule=nonsense -- date", "found 1: [nonsense]", since=21),
    Step("get cm,secrets,sa", "robot"),
    Step("get svc -o wide", "EXTERNAL-IP"),
    Step("get ing", "foo.example"),
    Step("get quota", "services: 4/20"),
    Step("describe quota q", "services"),
    Step("get limits", "lr"),
    Step("get limits lr -o yaml", "defaultRequest", compared=OWNERS),
    Step("describe limits lr", "Container", compared="kubectl prints the resources in the order of a Go map"),
    Step("delete limits lr", "deleted"),
    Step("get cronjobs", ""),
    Step("get priorityclass {ns}-pc", "PreemptLowerPriority"),
    Step("get priorityclass system-node-critical", "2000001000"),
    Step("describe cm cm1", "a:", compared="its order is any"),
    Step("describe secret s1", "password:  1 bytes"),
    Step("describe sa robot", "robot"),
    Step("describe svc svc1", "80-8080", since=30),
    Step("describe ing ing", "foo.example"),
    Step("describe priorityclass {ns}-pc", "1000"),
    Step("describe cronjob tick", "Concurrency Policy", since=21),
    Step("get cm cm1 -o yaml", "kind: ConfigMap", compared=OWNERS),
    Step("get cm cm1 -o jsonpath={.data.b}", "2"),
    Step("get cm -o custom-columns=N:.metadata.name,A:.data.a --no-headers", "cm1"),
    Step("set selector svc svc1 app=web", "service/svc1 selector updated"),
    Step("annotate cm cm1 note=hi", "configmap/cm1 annotated"),
    Step('patch cm cm1 --type=merge -p \'{"data":{"a":"9"}}\'', "configmap/cm1 patched"),
    Step("get ep svc1", "<none>"),
    Step("delete svc svc1 svc2 svc3 svc4", 'service "svc4" deleted'),
    Step("delete cm/cm1 secret/s1 secret/s2 sa/robot quota/q ing/ing", "deleted"),
    Step("delete priorityclass {ns}-pc", "deleted"),
]

WORKLOADS = [
    Step("create deployment web --image=nginx:1.27 --replicas=2", "deployment.apps/web created"),
    no("create deployment web --image=nginx:1.27", 'deployments.apps "web" already exists'),
    Step("create deployment dry --image=nginx --dry-run=client -o yaml", "kind: Deployment"),
    Step("create deployment dry --image=nginx --dry-run=server -o yaml", "kind: Deployment", compared=PODS),
    Step("rollout status deploy/web --timeout=75s", "successfully rolled out", compared="it tells of what it sees"),
    Step("get deploy -o wide", "2/2"),
    Step("get rs", "web-"),
    Step("get pods -l app=web", "1/1"),
    Step("describe deploy web", "2 desired | 2 updated | 2 total | 2 available"),
    Step("expose deployment web --port=80 --target-port=8080", "service/web exposed"),
    no("expose deployment web --port=80", 'services "web" already exists'),
    Step("expose deployment web --port=80 --type=NodePort --name=web-np", "service/web-np exposed"),
    Step("get ep web", ":8080"),
    Step("describe svc web", ":8080"),
    Step("scale deploy web --replicas=3", "scaled"),
    no("scale deploy/web --current-replicas=9 --replicas=1", "Expected replicas to be 9, was 3"),
    Step("get deploy web", "3/3"),
    Step("get deploy web --subresource=scale", "DESIRED", since=24),
    Step("autoscale deploy web --min=1 --max=5 --cpu-percent=80", "autoscaled"),
    Step("get hpa", "Deployment/web", compared="nobody counts its replicas"),
    Step("delete hpa web", "deleted"),
    Step("set image deploy/web nginx=nginx:1.28", "image updated"),
    no("set image deploy/web nothing=nginx:1.28", 'unable to find container named "nothing"'),
    Step("set env deploy/web A=B", "env updated"),
    Step("set env deploy/web --list", "A=B"),
    Step("set resources deploy/web --limits=cpu=200m,memory=64Mi", "resource requirements updated"),
    Step("create sa robot", "created"),
    Step("set serviceaccount deploy/web robot", "serviceaccount updated"),
    Step("rollout status deploy/web --timeout=75s", "successfully rolled out", compared="it tells of what it sees"),
    Step("rollout history deploy/web", "REVISION"),
    Step("rollout history deploy/web --revision=2", "nginx:1.28"),
    Step("rollout undo deploy/web", "rolled back"),
    no("rollout undo deploy/web --to-revision=99", "unable to find specified revision 99 in history"),
    Step("rollout restart deploy/web", "restarted"),
    Step("rollout pause deploy/web", "paused"),
    no("rollout pause deploy/web", "is already paused"),
    no("rollout undo deploy/web", "you cannot rollback a paused deployment"),
    no("rollout restart deploy/web", "can't restart paused deployment"),
    Step("rollout resume deploy/web", "resumed"),
    no("rollout restart svc/web", "restarting is not supported"),
    Step('patch deploy web -p \'{"spec":{"replicas":1}}\'', "patched"),
    Step("wait --for=condition=Available deploy/web --timeout=75s", "condition met"),
    Step("create -f {replicated}", "replicationcontroller/rc created"),
    Step("get rc", "rc     2         2         2"),
    Step("scale rc rc --replicas=1", "scaled"),
    Step("get rc rc", "rc     1         1         1"),
    Step("delete rc rc", "deleted"),
    Step("delete deploy web", 'deployment.apps "web" deleted'),
    Step("get pods", "No resources found in {ns} namespace."),
    no("get deploy web", '(NotFound): deployments.apps "web" not found'),
]

PODS_AND_JOBS = [
    Step("run solo --image=nginx:1.27 --port=80", "pod/solo created"),
    no("run solo --image=nginx:1.27", '(AlreadyExists): pods "solo" already exists'),
    Step("wait --for=condition=Ready pod/solo --timeout=75s", "pod/solo condition met"),
    Step("get pods", "1/1     Running"),
    Step("get pods -o wide", "solo", compared=NODES),
    Step("get pods -o name", "pod/solo"),
    Step("get pod solo -o yaml", "phase: Running", compared=PODS),
    Step("get pod solo -o jsonpath={.status.phase}", "Running"),
    Step("get pods --field-selector=status.phase=Running", "solo"),
    Step("get pods --sort-by=.metadata.name --show-labels", "run=solo"),
    Step("describe pod solo", "Successfully assigned {ns}/solo to", compared=PODS),
    Step("events --for pod/solo", "Successfully assigned {ns}/solo to", compared=NODES, since=26),
    Step("get events --field-selector=involvedObject.name=solo", "Scheduled", compared=NODES),
    Step("expose pod solo --port=80 --name=solo-svc", "service/solo-svc exposed"),
    Step("label pod solo tier=front", "pod/solo labeled"),
    no("label pod solo tier=back", "'tier' already has a value (front), and --overwrite is false"),
    Step("label pod solo tier=back --overwrite", "pod/solo labeled"),
    Step("label pod solo tier-", "pod/solo", since=24),
    Step("label pods --all x=y", "pod/solo labeled"),
    Step("annotate pod solo note=hi", "pod/solo annotated"),
    no("logs solo -c nothing", "container nothing is not valid for pod solo"),
    no("attach solo", "", compared=STREAMED),
    no("port-forward pod/solo 18080:80", "", compared=STREAMED),
    no("cp solo:/etc/hosts {tmp}/hosts", "", compared=STREAMED),
    Step(
        "debug solo --image=busybox",
        "Defaulting debug container name to",
        compared="kubectl of old names a kind that is no more",
        since=25,
    ),
    Step("create job hello --image=busybox -- echo hi", "job.batch/hello created"),
    Step("get jobs", "hello", compared="the stand-in's containers never end"),
    Step("describe job hello", "Created pod: hello-", compared="the stand-in's containers never end"),
    Step("delete job hello", 'job.batch "hello" deleted'),
    Step("delete pod solo --now", 'pod "solo" deleted'),
    no("get pod solo", '(NotFound): pods "solo" not found'),
]

APPLY = [
    Step("apply -f {map}", "configmap/m created"),
    Step("apply -f {map}", "configmap/m unchanged"),
    Step("apply --server-side -f {map}", "configmap/m serverside-applied"),
    Step("apply -f {map}", "configmap/m"),
    Step("create -f {generated}", "created"),
    Step("apply -f {bundle}", "deployment.apps/web created"),
    Step("diff -f {bundle}"),
    no("diff -f {changed}", "+      - image: img:2", compared="it names files with their times"),
    Step("apply --dry-run=client -f {bundle}", "(dry run)"),
    Step("apply --dry-run=server -f {bundle}", "unchanged (server dry run)"),
    Step("apply -f {changed}", "deployment.apps/web configured"),
    Step("get deploy web -o jsonpath={..livenessProbe}"),
    Step("apply view-last-applied -f {changed}", "img:2"),
    Step("apply --server-side --force-conflicts -f {bundle}", "deployment.apps/web serverside-applied"),
    Step("get deploy web -o jsonpath={..livenessProbe.httpGet}", '"path":"/"'),
    Step("apply --server-side --force-conflicts -f {changed}", "serverside-applied"),
    Step("get deploy web -o jsonpath={..livenessProbe}"),
    Step("apply -f {changed}", "deployment.apps/web"),
    Step("apply --prune -f {changed} -l app=web", "deployment.apps/web", compared="it logs the time", since=21),
    Step("apply -f {grid}", "deploymentgrid.superedge.io/g created"),
    Step("get dg,sg,ssg", "g"),
    Step("explain dg.spec", "gridUniqKey"),
    Step("delete dg g", 'deploymentgrid.superedge.io "g" deleted'),
    Step("delete -f {changed}", 'service "web" deleted'),
    no("delete -f {changed}", '(NotFound): error when deleting "{changed}": services "web" not found'),
    Step("delete -f {changed} --ignore-not-found"),
]

ON_NODES = [
    Step("get nodes", "node0   Ready", compared=NODES),
    Step("get nodes -o wide", "INTERNAL-IP", compared=NODES),
    Step("get nodes -o name", "node/node0\nnode/node1\nnode/node2"),
    Step("get nodes -o jsonpath={.items[*].metadata.name}", "node0 node1 node2"),
    Step("describe node node0", "KubeletReady", compared=NODES),
    Step("create deployment web --image=img:1 --replicas=3", "created"),
    Step("rollout status deploy/web --timeout=75s", "successfully rolled out", compared="it tells of what it sees"),
    Step("create -f {budget}", "poddisruptionbudget.policy/b created"),
    Step("get pdb.v1.policy b", "b      2               N/A               1"),
    Step("taint node node2 {ns}/dedicated=x:NoSchedule", "node/node2 tainted"),
    no("taint node node2 {ns}/dedicated=x:NoSchedule", "--overwrite is false"),
    Step("taint node node2 {ns}/dedicated-", "node/node2 untainted"),
    no("taint node node2 {ns}/dedicated-", "not found"),
    no("taint node node2 bad=x:Nonsense", "invalid taint effect: Nonsense"),
    Step("cordon node2", "node/node2 cordoned"),
    Step("cordon node2", "node/node2 already cordoned"),
    Step("get node node2", "Ready,SchedulingDisabled", compared=NODES),
    Step("drain node2 --ignore-daemonsets --force --timeout=75s", "node/node2", compared=NODES),
    Step("uncordon node2", "node/node2 uncordoned"),
    Step("rollout status deploy/web --timeout=75s", "successfully rolled out", compared="it tells of what it sees"),
    Step("scale deploy web --replicas=2", "scaled"),
    Step("get pdb.v1.policy b", "b      2               N/A               0"),
    Step("cordon node0 node1 node2", "node/node0 cordoned"),
    no("drain node0 node1 node2 --timeout=2s", "Cannot evict pod as it would violate the pod's disruption budget."),
    Step("uncordon node0 node1 node2", "node/node0 uncordoned"),
    Step("delete pdb/b deploy/web", "deleted"),
]

RIGHTS = [
    Step("auth can-i create pods", "yes"),
    no("auth can-i get pods --as=jane", "no"),
    no("get pods --as=jane", 'User "jane" cannot list resource "pods" in API group "" in the namespace "{ns}"'),
    Step("create role reader --verb=get,list --resource=pods", "reader created"),
    Step("create rolebinding rb --role=reader --serviceaccount={ns}:robot --user=jane", "rb created"),
    Step("auth can-i get pods --as=jane", "yes"),
    no("auth can-i get secrets --as=jane", "no"),
    no("auth can-i delete pods --as=jane", "no"),
    Step("get pods --as=jane", "No resources found in {ns} namespace."),
    no("create configmap m --from-literal=a=1 --as=jane", 'User "jane" cannot create resource "configmaps"'),
    Step("auth can-i list pods --as=system:serviceaccount:{ns}:robot", "yes"),
    no("auth can-i list pods --as=system:serviceaccount:{ns}:other", "no"),
    Step("create clusterrole {ns}-cr --verb=get --resource=nodes", "{ns}-cr created"),
    Step("create clusterrolebinding {ns}-crb --clusterrole={ns}-cr --user=jane", "{ns}-crb created"),
    Step("auth can-i get nodes --as=jane", "yes", compared="kubectl warns of what is not namespaced"),
    Step("create rolebinding viewers --clusterrole=view --user=ann", "viewers created"),
    Step("auth can-i list deployments --as=ann", "yes"),
    no("auth can-i list secrets --as=ann", "no"),
    no("auth can-i create deployments --as=ann", "no"),
    Step("set subject rolebinding rb --user=bob", "subjects updated"),
    Step("auth can-i get pods --as=bob", "yes"),
    Step("get roles,rolebindings -o wide", "reader"),
    Step("describe role reader", "[get list]"),
    Step("describe rolebinding rb", "bob"),
    Step("describe clusterrole {ns}-cr", "nodes"),
    Step("describe clusterrolebinding {ns}-crb", "jane"),
    Step("get clusterroles view edit admin cluster-admin", "view"),
    Step("auth whoami", "admin", compared="its token file gives it a uid", since=28),
    Step("auth can-i --list", "*.*", compared="it has more that everybody may"),
    Step("create sa robot", "serviceaccount/robot created"),
    Step("create token robot", "", compared="it is a secret", since=24),
    no("create token nobody", 'serviceaccounts "nobody" not found', since=24),
    Step("delete role/reader rolebinding/rb rolebinding/viewers sa/robot", "deleted"),
    Step("delete clusterrole/{ns}-cr clusterrolebinding/{ns}-crb", "deleted"),
]

CHAPTERS = {
    "namespaces": NAMESPACES,
    "mistakes": MISTAKES,
    "discovery": DISCOVERY,
    "objects": OBJECTS,
    "workloads": WORKLOADS,
    "pods-and-jobs": PODS_AND_JOBS,
    "apply": APPLY,
    "nodes": ON_NODES,
    "rights": RIGHTS,
}
