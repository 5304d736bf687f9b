package kubeapiserver

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
)

// An object is what a kind's typed client hands out: *corev1.ConfigMap or
// *corev1.Pod.
type object interface {
	metav1.Object
	runtime.Object
}

// A kind is one kind of objects in one namespace, through one client. Every
// method is one request.
type kind struct {
	name   string
	sample func(name string) object // what create sends
	create func(ctx context.Context, name string) (object, error)
	get    func(ctx context.Context, name string) (object, error)
	list   func(ctx context.Context) (items []object, resourceVersion string, err error)
	// patch is a merge patch that sets the annotation "step". With a step that
	// the object has already, the server changes nothing and sends no event.
	patch  func(ctx context.Context, name, step string) (object, error)
	delete func(ctx context.Context, name string) error
	// deletion is the number of events that a delete makes: one, but for a Pod
	// two, because the server marks it as terminating first, even one that
	// nobody runs and that has no time to end.
	deletion int
	watch    func(ctx context.Context, fromResourceVersion string) (watch.Interface, error)
}

// kinds returns the two kinds that the loads use.
func kinds(c kubernetes.Interface, namespace string) [2]kind {
	return [2]kind{
		newKind("ConfigMap", 1, c.CoreV1().ConfigMaps(namespace), sampleConfigMap, func(l *corev1.ConfigMapList) []object {
			return pointers[corev1.ConfigMap](l.Items)
		}),
		newKind("Pod", 2, c.CoreV1().Pods(namespace), samplePod, func(l *corev1.PodList) []object {
			return pointers[corev1.Pod](l.Items)
		}),
	}
}

// typed is what client-go's typed clients have in common.
type typed[T object, L metav1.ListInterface] interface {
	Create(context.Context, T, metav1.CreateOptions) (T, error)
	Get(context.Context, string, metav1.GetOptions) (T, error)
	List(context.Context, metav1.ListOptions) (L, error)
	Patch(context.Context, string, types.PatchType, []byte, metav1.PatchOptions, ...string) (T, error)
	Delete(context.Context, string, metav1.DeleteOptions) error
	Watch(context.Context, metav1.ListOptions) (watch.Interface, error)
}

func newKind[T object, L metav1.ListInterface](name string, deletion int, client typed[T, L], sample func(string) T, items func(L) []object) kind {
	return kind{
		name:     name,
		deletion: deletion,
		sample:   func(name string) object { return sample(name) },
		create: func(ctx context.Context, name string) (object, error) {
			return client.Create(ctx, sample(name), metav1.CreateOptions{})
		},
		get: func(ctx context.Context, name string) (object, error) {
			return client.Get(ctx, name, metav1.GetOptions{})
		},
		list: func(ctx context.Context) ([]object, string, error) {
			l, err := client.List(ctx, metav1.ListOptions{})
			if err != nil {
				return nil, "", err
			}
			return items(l), l.GetResourceVersion(), nil
		},
		patch: func(ctx context.Context, name, step string) (object, error) {
			patch := fmt.Sprintf(`{"metadata":{"annotations":{"step":%q}}}`, step)
			return client.Patch(ctx, name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
		},
		delete: func(ctx context.Context, name string) error {
			return client.Delete(ctx, name, metav1.DeleteOptions{GracePeriodSeconds: new(int64)})
		},
		watch: func(ctx context.Context, from string) (watch.Interface, error) {
			return client.Watch(ctx, metav1.ListOptions{ResourceVersion: from})
		},
	}
}

// pointers returns the address of each item.
func pointers[T any, P interface {
	*T
	object
}](items []T) []object {
	out := make([]object, len(items))
	for i := range items {
		out[i] = P(&items[i])
	}
	return out
}

// sampleConfigMap is a ConfigMap of about 1.3 KB in JSON.
func sampleConfigMap(name string) *corev1.ConfigMap {
	data := map[string]string{}
	for i := range 8 {
		data[fmt.Sprintf("setting-%d", i)] = strings.Repeat(fmt.Sprintf("%s/%d;", name, i), 100)[:120]
	}
	return &corev1.ConfigMap{ObjectMeta: sampleMeta(name), Data: data}
}

// samplePod is a Pod with two containers, of about 2 KB in JSON before the
// server fills in its defaults. No scheduler sees it: it stays pending.
func samplePod(name string) *corev1.Pod {
	container := func(role string) corev1.Container {
		return corev1.Container{
			Name:  role,
			Image: "registry.example/" + role + ":1.2.3",
			Args:  []string{"--listen=:8080", "--log-level=info", "--name=" + name},
			Env: []corev1.EnvVar{
				{Name: "ROLE", Value: role},
				{Name: "POD_NAME", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}}},
			},
			Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}},
			Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("64Mi")},
				Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("128Mi")},
			},
			VolumeMounts: []corev1.VolumeMount{{Name: "scratch", MountPath: "/scratch"}},
		}
	}
	return &corev1.Pod{
		ObjectMeta: sampleMeta(name),
		Spec: corev1.PodSpec{
			Containers: []corev1.Container{container("server"), container("sidecar")},
			Volumes:    []corev1.Volume{{Name: "scratch", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}},
		},
	}
}

func sampleMeta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Name:        name,
		Labels:      map[string]string{"app": "sample", "instance": name},
		Annotations: map[string]string{"step": "created"},
	}
}
