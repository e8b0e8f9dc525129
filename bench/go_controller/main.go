// A controller of DeploymentGrids in Go, as SuperEdge's is one: informers, a work queue of grids, two workers, 1,000
// requests a second, one Deployment for each NodeUnit, no status. `make bench` measures sgportal against it.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os/signal"
	"syscall"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	appslisters "k8s.io/client-go/listers/apps/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/workqueue"
)

const (
	selectorLabel = "superedge.io/grid-selector"
	keyLabel      = "superedge.io/grid-uniq-key"
	hashLabel     = "bench.example/template-hash"
	workers       = 2
)

var grids = schema.GroupVersionResource{Group: "superedge.io", Version: "v1", Resource: "deploymentgrids"}

type controller struct {
	client      kubernetes.Interface
	nodes       corelisters.NodeLister
	deployments appslisters.DeploymentLister
	grids       cache.GenericLister
	queue       workqueue.TypedRateLimitingInterface[string]
}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "path of the kubeconfig")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()

	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	must(err)
	config.QPS, config.Burst = 1000, 1000
	client, err := kubernetes.NewForConfig(config)
	must(err)
	custom, err := dynamic.NewForConfig(config)
	must(err)

	factory := informers.NewSharedInformerFactory(client, 0)
	customs := dynamicinformer.NewDynamicSharedInformerFactory(custom, 0)
	nodes, deployments, gridInformer := factory.Core().V1().Nodes(), factory.Apps().V1().Deployments(), customs.ForResource(grids)
	c := &controller{
		client:      client,
		nodes:       nodes.Lister(),
		deployments: deployments.Lister(),
		grids:       gridInformer.Lister(),
		queue:       workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[string]()),
	}
	handle(gridInformer.Informer(), func(object any) { c.enqueue(object.(*unstructured.Unstructured)) })
	handle(deployments.Informer(), func(object any) {
		child := object.(*apps.Deployment)
		if grid := child.Labels[selectorLabel]; grid != "" {
			c.queue.Add(child.Namespace + "/" + grid)
		}
	})
	nodes.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { c.nodeChanged(object.(*core.Node).Labels, nil) },
		UpdateFunc: func(old, now any) { c.nodeChanged(now.(*core.Node).Labels, old.(*core.Node).Labels) },
		DeleteFunc: func(object any) {
			if node, ok := object.(*core.Node); ok {
				c.nodeChanged(node.Labels, nil)
			}
		},
	})
	factory.Start(ctx.Done())
	customs.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	customs.WaitForCacheSync(ctx.Done())
	fmt.Println("synced")
	for range workers {
		go c.work(ctx)
	}
	<-ctx.Done()
	c.queue.ShutDown()
}

func handle(informer cache.SharedIndexInformer, changed func(any)) {
	informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    changed,
		UpdateFunc: func(_, now any) { changed(now) },
		DeleteFunc: func(object any) {
			if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
				object = gone.Obj
			}
			changed(object)
		},
	})
}

func (c *controller) enqueue(grid *unstructured.Unstructured) {
	c.queue.Add(grid.GetNamespace() + "/" + grid.GetName())
}

// nodeChanged enqueues every grid of a label key whose value differs.
func (c *controller) nodeChanged(now, old map[string]string) {
	found, err := c.grids.List(labels.Everything())
	if err != nil {
		log.Print(err)
		return
	}
	for _, object := range found {
		grid := object.(*unstructured.Unstructured)
		key, _, _ := unstructured.NestedString(grid.Object, "spec", "gridUniqKey")
		if old == nil && now[key] != "" || old != nil && now[key] != old[key] {
			c.enqueue(grid)
		}
	}
}

func (c *controller) work(ctx context.Context) {
	for {
		key, down := c.queue.Get()
		if down {
			return
		}
		if err := c.reconcile(ctx, key); err != nil {
			c.queue.AddRateLimited(key)
		} else {
			c.queue.Forget(key)
		}
		c.queue.Done(key)
	}
}

// reconcile makes the Deployments of a grid what they should be: it creates, updates and deletes, in this order.
func (c *controller) reconcile(ctx context.Context, key string) error {
	namespace, name, err := cache.SplitMetaNamespaceKey(key)
	if err != nil {
		return err
	}
	object, err := c.grids.ByNamespace(namespace).Get(name)
	if errors.IsNotFound(err) {
		return nil // the garbage collector takes its Deployments
	} else if err != nil {
		return err
	}
	wanted, err := c.desired(object.(*unstructured.Unstructured))
	if err != nil {
		return err
	}
	live, err := c.deployments.Deployments(namespace).List(labels.SelectorFromSet(labels.Set{selectorLabel: name}))
	if err != nil {
		return err
	}
	client := c.client.AppsV1().Deployments(namespace)
	known := map[string]*apps.Deployment{}
	for _, each := range live {
		known[each.Name] = each
	}
	for child, body := range wanted {
		before := known[child]
		if before == nil {
			_, err = client.Create(ctx, body, meta.CreateOptions{})
			if err != nil && !errors.IsAlreadyExists(err) {
				return err
			}
		} else if before.Labels[hashLabel] != body.Labels[hashLabel] {
			body.ResourceVersion = before.ResourceVersion
			if _, err = client.Update(ctx, body, meta.UpdateOptions{}); err != nil {
				return err
			}
		}
	}
	for child := range known {
		if wanted[child] == nil {
			if err = client.Delete(ctx, child, meta.DeleteOptions{}); err != nil && !errors.IsNotFound(err) {
				return err
			}
		}
	}
	return nil
}

// desired is one Deployment for each value of the grid's label key among the nodes.
func (c *controller) desired(grid *unstructured.Unstructured) (map[string]*apps.Deployment, error) {
	key, _, _ := unstructured.NestedString(grid.Object, "spec", "gridUniqKey")
	template, _, err := unstructured.NestedMap(grid.Object, "spec", "template")
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(template)
	if err != nil {
		return nil, err
	}
	var spec apps.DeploymentSpec
	if err = json.Unmarshal(raw, &spec); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(raw)
	hash := hex.EncodeToString(sum[:8])
	nodes, err := c.nodes.List(labels.Everything())
	if err != nil {
		return nil, err
	}
	owner := *meta.NewControllerRef(grid, grids.GroupVersion().WithKind("DeploymentGrid"))
	found := map[string]*apps.Deployment{}
	for _, node := range nodes {
		unit := node.Labels[key]
		if unit == "" {
			continue
		}
		name := grid.GetName() + "-" + unit
		if found[name] != nil {
			continue
		}
		own := *spec.DeepCopy()
		if own.Template.Spec.NodeSelector == nil {
			own.Template.Spec.NodeSelector = map[string]string{}
		}
		own.Template.Spec.NodeSelector[key] = unit
		found[name] = &apps.Deployment{
			ObjectMeta: meta.ObjectMeta{
				Name:            name,
				Namespace:       grid.GetNamespace(),
				Labels:          map[string]string{selectorLabel: grid.GetName(), keyLabel: key, hashLabel: hash},
				OwnerReferences: []meta.OwnerReference{owner},
			},
			Spec: own,
		}
	}
	return found, nil
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
