package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	coordination "k8s.io/api/coordination/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/workqueue"

	"sgportal.example/tests/kube/containers"
)

// What a test says to the stand-in, by annotation.
const (
	vanished = "test.sgportal.example/vanished" // on a node, "true": no heartbeat, its pods are left as they are
	unready  = "test.sgportal.example/unready"  // on a pod, "true": its readiness probe fails
	linger   = "test.sgportal.example/linger"   // on a pod, a duration: how long it goes on serving once deleted
)

const workers = 64

// kubelets plays the kubelet of every node: it makes nodes Ready and pods bound to them Running, and ends deleted
// pods. With a fabric, each pod is a server in a network namespace of its own.
type kubelets struct {
	client  kubernetes.Interface
	version string
	lease   time.Duration
	fabric  *fabric
	port    int // where commands in containers are asked for
	nodes   cache.Store
	pods    cache.Store
	queue   workqueue.TypedRateLimitingInterface[string]

	mu        sync.Mutex
	addresses map[string]map[string]string // node → pod uid → address
	dying     map[types.UID]time.Time
}

func runKubelets() int {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the API server")
	lease := flag.Duration("lease", 10*time.Second, "between two heartbeats of a node")
	version := flag.String("kubelet-version", "v1.37.2", "the version that nodes report")
	network := flag.String("network", "", "prefix of the network namespaces to make for nodes and pods; empty: none")
	api := flag.String("api", "", "host:port of the API server, made reachable in each node's namespace")
	profile := flag.String("profile", "", "address to serve profiles on")
	flag.Parse()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	config.QPS, config.Burst = 5000, 5000
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *profile != "" {
		go func() { fmt.Fprintln(os.Stderr, http.ListenAndServe(*profile, nil)) }()
	}
	k := &kubelets{
		client: kubernetes.NewForConfigOrDie(config), version: *version, lease: *lease,
		queue:     workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[string]()),
		addresses: map[string]map[string]string{}, dying: map[types.UID]time.Time{},
	}
	if *network != "" {
		if k.fabric, err = newFabric(*network, *api); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer k.fabric.remove()
	}
	k.run(ctx)
	return 0
}

func (k *kubelets) run(ctx context.Context) {
	all := informers.NewSharedInformerFactory(k.client, 0)
	bound := informers.NewSharedInformerFactoryWithOptions(k.client, 0, informers.WithTweakListOptions(
		func(options *meta.ListOptions) {
			options.FieldSelector = fields.OneTermNotEqualSelector("spec.nodeName", "").String()
		}))
	nodes, pods := all.Core().V1().Nodes().Informer(), bound.Core().V1().Pods().Informer()
	k.nodes, k.pods = nodes.GetStore(), pods.GetStore()
	nodes.AddEventHandler(k.enqueue("node/"))
	pods.AddEventHandler(k.enqueue("pod/"))
	all.Start(ctx.Done())
	bound.Start(ctx.Done())
	cache.WaitForCacheSync(ctx.Done(), nodes.HasSynced, pods.HasSynced)
	var err error
	if k.port, err = containers.Listen(ctx, k.known); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	var group sync.WaitGroup
	for range workers {
		group.Add(1)
		go func() { defer group.Done(); k.work(ctx) }()
	}
	<-ctx.Done()
	k.queue.ShutDown()
	group.Wait()
}

func (k *kubelets) known(pod string) bool {
	_, exists, _ := k.pods.GetByKey(pod)
	return exists
}

func (k *kubelets) enqueue(prefix string) cache.ResourceEventHandlerFuncs {
	add := func(object any) {
		if key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(object); err == nil {
			k.queue.Add(prefix + key)
		}
	}
	removed := func(object any) {
		if unknown, ok := object.(cache.DeletedFinalStateUnknown); ok {
			object = unknown.Obj
		}
		if pod, ok := object.(*core.Pod); ok {
			k.release(pod)
		}
		add(object)
	}
	return cache.ResourceEventHandlerFuncs{AddFunc: add, UpdateFunc: func(_, new any) { add(new) }, DeleteFunc: removed}
}

func (k *kubelets) work(ctx context.Context) {
	for {
		key, over := k.queue.Get()
		if over {
			return
		}
		again, err := k.handle(ctx, key)
		if err != nil && ctx.Err() == nil && !errors.IsNotFound(err) {
			if !errors.IsConflict(err) {
				fmt.Fprintln(os.Stderr, key, err)
			}
			k.queue.AddRateLimited(key)
		} else {
			k.queue.Forget(key)
			if again > 0 {
				k.queue.AddAfter(key, again)
			}
		}
		k.queue.Done(key)
	}
}

// handle makes one node or pod as a kubelet would have it; when to look again, 0 for never.
func (k *kubelets) handle(ctx context.Context, key string) (time.Duration, error) {
	if name, found := cutPrefix(key, "node/"); found {
		object, exists, _ := k.nodes.GetByKey(name)
		if !exists {
			return 0, nil
		}
		return k.node(ctx, object.(*core.Node))
	}
	name, _ := cutPrefix(key, "pod/")
	object, exists, _ := k.pods.GetByKey(name)
	if !exists {
		return 0, nil
	}
	return k.pod(ctx, object.(*core.Pod))
}

func cutPrefix(s, prefix string) (string, bool) {
	if len(s) >= len(prefix) && s[:len(prefix)] == prefix {
		return s[len(prefix):], true
	}
	return s, false
}

func (k *kubelets) node(ctx context.Context, node *core.Node) (time.Duration, error) {
	if node.Annotations[vanished] == "true" {
		return 0, nil
	}
	if k.fabric != nil {
		if err := k.fabric.addNode(node.Name, node.Spec.PodCIDR); err != nil {
			return 0, err
		}
	}
	if !isReady(node) || int(node.Status.DaemonEndpoints.KubeletEndpoint.Port) != k.port {
		if err := k.makeReady(ctx, node); err != nil {
			return 0, err
		}
	}
	return k.lease, k.renew(ctx, node)
}

func isReady(node *core.Node) bool {
	for _, condition := range node.Status.Conditions {
		if condition.Type == core.NodeReady {
			return condition.Status == core.ConditionTrue && len(node.Status.Addresses) > 0
		}
	}
	return false
}

func (k *kubelets) makeReady(ctx context.Context, node *core.Node) error {
	now := meta.Now()
	resources := map[string]string{"cpu": "64", "memory": "256Gi", "pods": "1000", "ephemeral-storage": "1Ti"}
	address := nodeAddress(node.Name)
	if k.fabric != nil {
		address = k.fabric.nodeIP(node.Name)
	}
	condition := func(kind, status, reason string) map[string]any {
		return map[string]any{"type": kind, "status": status, "reason": reason, "message": reason,
			"lastHeartbeatTime": now, "lastTransitionTime": now}
	}
	status := map[string]any{
		"capacity": resources, "allocatable": resources,
		"conditions": []any{
			condition("Ready", "True", "KubeletReady"), condition("MemoryPressure", "False", "KubeletHasSufficientMemory"),
			condition("DiskPressure", "False", "KubeletHasNoDiskPressure"), condition("PIDPressure", "False", "KubeletHasSufficientPID"),
		},
		"addresses": []any{
			map[string]any{"type": "InternalIP", "address": address}, map[string]any{"type": "Hostname", "address": node.Name},
			map[string]any{"type": "ExternalDNS", "address": containers.Reached},
		},
		"daemonEndpoints": map[string]any{"kubeletEndpoint": map[string]any{"Port": k.port}},
		"nodeInfo": map[string]any{
			"machineID": "", "systemUUID": "", "bootID": "", "kernelVersion": "", "osImage": "stand-in",
			"containerRuntimeVersion": "standin://1", "kubeletVersion": k.version, "kubeProxyVersion": "",
			"operatingSystem": "linux", "architecture": "amd64",
		},
	}
	return k.patch(func(body []byte) error {
		_, err := k.client.CoreV1().Nodes().Patch(ctx, node.Name, types.StrategicMergePatchType, body, meta.PatchOptions{}, "status")
		return err
	}, map[string]any{"status": status})
}

func (k *kubelets) patch(send func([]byte) error, change map[string]any) error {
	body, err := json.Marshal(change)
	if err != nil {
		return err
	}
	return send(body)
}

func nodeAddress(name string) string {
	var sum uint32 = 2166136261
	for _, each := range []byte(name) {
		sum = (sum ^ uint32(each)) * 16777619
	}
	return net.IPv4(172, 16+byte(sum>>16)%8, byte(sum>>8), 1+byte(sum)%254).String()
}

func (k *kubelets) renew(ctx context.Context, node *core.Node) error {
	now := meta.NowMicro()
	seconds := int32(4 * k.lease / time.Second)
	leases := k.client.CoordinationV1().Leases(core.NamespaceNodeLease)
	body := fmt.Sprintf(`{"spec":{"renewTime":%q}}`, now.UTC().Format("2006-01-02T15:04:05.000000Z"))
	_, err := leases.Patch(ctx, node.Name, types.MergePatchType, []byte(body), meta.PatchOptions{})
	if !errors.IsNotFound(err) {
		return err
	}
	_, err = leases.Create(ctx, &coordination.Lease{
		ObjectMeta: meta.ObjectMeta{Name: node.Name, OwnerReferences: []meta.OwnerReference{
			{APIVersion: "v1", Kind: "Node", Name: node.Name, UID: node.UID}}},
		Spec: coordination.LeaseSpec{HolderIdentity: &node.Name, LeaseDurationSeconds: &seconds, RenewTime: &now},
	}, meta.CreateOptions{})
	if errors.IsAlreadyExists(err) || errors.HasStatusCause(err, core.NamespaceTerminatingCause) {
		return nil
	}
	return err
}

func (k *kubelets) pod(ctx context.Context, pod *core.Pod) (time.Duration, error) {
	object, exists, _ := k.nodes.GetByKey(pod.Spec.NodeName)
	if !exists {
		return time.Second, nil
	}
	node := object.(*core.Node)
	if node.Annotations[vanished] == "true" {
		return time.Second, nil
	}
	if pod.DeletionTimestamp != nil {
		return k.end(ctx, pod)
	}
	if pod.Status.Phase == core.PodSucceeded || pod.Status.Phase == core.PodFailed {
		return 0, nil
	}
	return 0, k.start(ctx, pod, node)
}

// start makes a pod Running, with an address of its node's range, Ready unless a test says otherwise.
func (k *kubelets) start(ctx context.Context, pod *core.Pod, node *core.Node) error {
	if image := unpullable(pod); image != "" {
		return k.cannotPull(ctx, pod, node, image)
	}
	ready := pod.Annotations[unready] != "true"
	if pod.Status.Phase == core.PodRunning && podReady(pod) == ready {
		return nil
	}
	address, err := k.address(pod, node)
	if err != nil {
		return err
	}
	if k.fabric != nil && !pod.Spec.HostNetwork {
		if err := k.fabric.addPod(pod, address); err != nil {
			return err
		}
	}
	status := map[string]any{
		"phase": "Running", "podIP": address, "podIPs": []any{map[string]any{"ip": address}},
		"hostIP": nodeIPOf(node), "startTime": pod.CreationTimestamp, "conditions": podConditions(ready),
		"containerStatuses": statuses(pod, ready),
	}
	return k.patch(func(body []byte) error {
		_, err := k.client.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.StrategicMergePatchType, body, meta.PatchOptions{}, "status")
		return err
	}, map[string]any{"metadata": map[string]any{"uid": pod.UID}, "status": status})
}

// unpullable is the first image of a pod that no registry has: one of a host whose name begins with "fail.".
func unpullable(pod *core.Pod) string {
	for _, container := range pod.Spec.Containers {
		if strings.HasPrefix(container.Image, "fail.") {
			return container.Image
		}
	}
	return ""
}

// cannotPull leaves a pod waiting for an image, as a kubelet that backs off.
func (k *kubelets) cannotPull(ctx context.Context, pod *core.Pod, node *core.Node, image string) error {
	if len(pod.Status.ContainerStatuses) > 0 {
		return nil
	}
	statuses := []any{}
	for _, container := range pod.Spec.Containers {
		waiting := map[string]any{"reason": "ImagePullBackOff", "message": "Back-off pulling image \"" + image + "\""}
		statuses = append(statuses, map[string]any{
			"name": container.Name, "image": container.Image, "imageID": "", "ready": false, "restartCount": 0,
			"state": map[string]any{"waiting": waiting},
		})
	}
	status := map[string]any{
		"phase": "Pending", "hostIP": nodeIPOf(node), "startTime": pod.CreationTimestamp,
		"conditions": podConditions(false), "containerStatuses": statuses,
	}
	return k.patch(func(body []byte) error {
		_, err := k.client.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.StrategicMergePatchType, body, meta.PatchOptions{}, "status")
		return err
	}, map[string]any{"metadata": map[string]any{"uid": pod.UID}, "status": status})
}

func podReady(pod *core.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == core.PodReady {
			return condition.Status == core.ConditionTrue
		}
	}
	return false
}

func nodeIPOf(node *core.Node) string {
	for _, address := range node.Status.Addresses {
		if address.Type == core.NodeInternalIP {
			return address.Address
		}
	}
	return ""
}

func podConditions(ready bool) []any {
	status := map[bool]string{true: "True", false: "False"}
	now := meta.Now()
	made := []any{}
	for kind, value := range map[string]bool{"Initialized": true, "ContainersReady": ready, "Ready": ready} {
		made = append(made, map[string]any{"type": kind, "status": status[value], "lastTransitionTime": now})
	}
	return made
}

func statuses(pod *core.Pod, ready bool) []any {
	made := []any{}
	for _, container := range pod.Spec.Containers {
		made = append(made, map[string]any{
			"name": container.Name, "image": container.Image, "imageID": container.Image, "ready": ready, "started": true,
			"restartCount": 0, "state": map[string]any{"running": map[string]any{"startedAt": meta.Now()}},
		})
	}
	return made
}

func (k *kubelets) address(pod *core.Pod, node *core.Node) (string, error) {
	if pod.Spec.HostNetwork {
		return nodeIPOf(node), nil
	}
	if pod.Status.PodIP != "" {
		return pod.Status.PodIP, nil
	}
	cidr := node.Spec.PodCIDR
	if cidr == "" {
		return "", fmt.Errorf("node %s has no podCIDR", node.Name)
	}
	base, network, err := net.ParseCIDR(cidr)
	if err != nil {
		return "", err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	taken := k.addresses[node.Name]
	if taken == nil {
		taken = map[string]string{}
		k.addresses[node.Name] = taken
		k.recall(node.Name, taken)
	}
	if address, ok := taken[string(pod.UID)]; ok {
		return address, nil
	}
	used := map[string]bool{}
	for _, address := range taken {
		used[address] = true
	}
	// .1 is the node's own end
	for ip := next(next(base.To4())); network.Contains(ip); ip = next(ip) {
		if !used[ip.String()] {
			taken[string(pod.UID)] = ip.String()
			return ip.String(), nil
		}
	}
	return "", fmt.Errorf("node %s has no address left in %s", node.Name, cidr)
}

// recall fills in the addresses that pods of the node had before this process began.
func (k *kubelets) recall(node string, taken map[string]string) {
	for _, object := range k.pods.List() {
		pod := object.(*core.Pod)
		if pod.Spec.NodeName == node && pod.Status.PodIP != "" && !pod.Spec.HostNetwork {
			taken[string(pod.UID)] = pod.Status.PodIP
		}
	}
}

func next(ip net.IP) net.IP {
	after := append(net.IP(nil), ip...)
	for i := len(after) - 1; i >= 0; i-- {
		after[i]++
		if after[i] != 0 {
			break
		}
	}
	return after
}

// end lets a deleted pod go, after the time it is asked to linger; its server stops with it.
func (k *kubelets) end(ctx context.Context, pod *core.Pod) (time.Duration, error) {
	wait, _ := time.ParseDuration(pod.Annotations[linger])
	k.mu.Lock()
	since, known := k.dying[pod.UID]
	if !known {
		since = time.Now()
		k.dying[pod.UID] = since
	}
	k.mu.Unlock()
	if left := wait - time.Since(since); left > 0 {
		return left, nil
	}
	if k.fabric != nil {
		k.fabric.removePod(pod.UID)
	}
	zero := int64(0)
	return 0, k.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, meta.DeleteOptions{
		GracePeriodSeconds: &zero, Preconditions: &meta.Preconditions{UID: &pod.UID}})
}

func (k *kubelets) release(pod *core.Pod) {
	if k.fabric != nil {
		k.fabric.removePod(pod.UID)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.addresses[pod.Spec.NodeName], string(pod.UID))
	delete(k.dying, pod.UID)
}
