// Command kubelet stands for a node of a cluster in tests: it binds every pod to itself and runs the first container as a process on
// this machine, with a program in place of the image's entrypoint.
//
//	kubelet -kubeconfig FILE -program PATH -logs DIR
//
// What of a pod means something to its program is kept: arguments with $(VAR) put in, variables and those that fieldRef takes from the
// pod (which is how JOB_COMPLETION_INDEX arrives), ConfigMaps (laid below DIR, where the arguments that name their mount are pointed),
// SIGTERM when the pod is deleted, and the exit code. Images, networks, limits and probes are not; nor is SIGKILL after the grace.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

const nodeName = "process"

func main() {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the API server")
	program := flag.String("program", "", "what runs in place of every image")
	logs := flag.String("logs", "", "directory of what the programs say")
	flag.Parse()
	log.SetFlags(log.Ltime)
	log.SetPrefix("kubelet: ")
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		log.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		log.Fatal(err)
	}
	n := &node{client: client, program: *program, logs: *logs, running: map[types.UID]*exec.Cmd{}}
	if err := n.serve(ctx); err != nil && ctx.Err() == nil {
		log.Fatal(err)
	}
	n.programs.Wait()
}

type node struct {
	client        kubernetes.Interface
	program, logs string

	programs sync.WaitGroup
	lock     sync.Mutex
	running  map[types.UID]*exec.Cmd // nil once it ended
}

// serve registers the node and follows the pods until ctx ends; then it ends what still runs.
func (n *node) serve(ctx context.Context) error {
	ready := core.NodeStatus{Conditions: []core.NodeCondition{{Type: core.NodeReady, Status: core.ConditionTrue}}}
	self := &core.Node{ObjectMeta: meta.ObjectMeta{Name: nodeName}, Status: ready}
	if _, err := n.client.CoreV1().Nodes().Create(ctx, self, meta.CreateOptions{}); err != nil {
		return fmt.Errorf("registering the node: %w", err)
	}
	pods, err := n.client.CoreV1().Pods("").Watch(ctx, meta.ListOptions{})
	if err != nil {
		return fmt.Errorf("watching pods: %w", err)
	}
	defer pods.Stop()
	defer n.endAll()
	for {
		select {
		case <-ctx.Done():
			return nil
		case event, open := <-pods.ResultChan():
			if !open {
				return errors.New("the watch on pods ended")
			}
			if pod, ok := event.Object.(*core.Pod); ok && event.Type != watch.Deleted {
				if err := n.follow(ctx, pod); err != nil && ctx.Err() == nil {
					log.Printf("%s: %v", pod.Name, err)
				}
			}
		}
	}
}

// follow does what the pod's state asks for.
func (n *node) follow(ctx context.Context, pod *core.Pod) error {
	n.lock.Lock()
	defer n.lock.Unlock()
	command, known := n.running[pod.UID]
	switch {
	case pod.DeletionTimestamp != nil && command != nil:
		log.Printf("%s: SIGTERM", pod.Name)
		return command.Process.Signal(syscall.SIGTERM)
	case pod.DeletionTimestamp != nil && pod.Spec.NodeName != "" && !known:
		return n.remove(ctx, pod)
	case pod.DeletionTimestamp != nil || known:
		return nil
	case pod.Spec.NodeName == "":
		binding := &core.Binding{ObjectMeta: meta.ObjectMeta{Name: pod.Name}, Target: core.ObjectReference{Kind: "Node", Name: nodeName}}
		return n.client.CoreV1().Pods(pod.Namespace).Bind(ctx, binding, meta.CreateOptions{})
	case pod.Spec.NodeName == nodeName && pod.Status.Phase == core.PodPending:
		return n.start(ctx, pod)
	}
	return nil
}

// start runs the pod's program, and reports when it has ended.
func (n *node) start(ctx context.Context, pod *core.Pod) error {
	container := pod.Spec.Containers[0]
	environment := variables(pod, container)
	mounts, err := n.mount(ctx, pod, container)
	if err != nil {
		return err
	}
	var args []string
	for _, arg := range container.Args {
		args = append(args, mounts.Replace(environment.Replace(arg)))
	}
	output, err := os.Create(filepath.Join(n.logs, pod.Name+".log"))
	if err != nil {
		return err
	}
	command := exec.Command(n.program, args...)
	command.Stdout, command.Stderr = output, output
	command.Env = append(os.Environ(), environment.list...)
	if err := command.Start(); err != nil {
		return errors.Join(err, output.Close())
	}
	n.running[pod.UID] = command
	log.Printf("%s: %s", pod.Name, strings.Join(args, " "))
	n.report(pod, core.PodRunning, core.ContainerState{Running: &core.ContainerStateRunning{StartedAt: meta.Now()}})
	n.programs.Go(func() {
		err := command.Wait()
		n.lock.Lock()
		n.running[pod.UID] = nil
		n.lock.Unlock()
		code, phase := int32(command.ProcessState.ExitCode()), core.PodSucceeded
		if err != nil {
			phase = core.PodFailed
		}
		if status := command.ProcessState.Sys().(syscall.WaitStatus); status.Signaled() {
			code = 128 + int32(status.Signal())
		}
		log.Printf("%s: exit code %d", pod.Name, code)
		n.report(pod, phase, core.ContainerState{Terminated: &core.ContainerStateTerminated{ExitCode: code, FinishedAt: meta.Now()}})
		_ = output.Close()
		// What was deleted goes away only now, when its exit code is known.
		if now, err := n.client.CoreV1().Pods(pod.Namespace).Get(context.Background(), pod.Name, meta.GetOptions{}); err == nil &&
			now.DeletionTimestamp != nil {
			_ = n.remove(context.Background(), pod)
		}
	})
	return nil
}

// report tells the API server how the pod does.
func (n *node) report(pod *core.Pod, phase core.PodPhase, state core.ContainerState) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	changed := pod.DeepCopy()
	changed.ResourceVersion = ""
	changed.Status = core.PodStatus{Phase: phase, Conditions: pod.Status.Conditions, ContainerStatuses: []core.ContainerStatus{{
		Name: pod.Spec.Containers[0].Name, Image: pod.Spec.Containers[0].Image, State: state, Ready: phase == core.PodRunning,
	}}}
	if _, err := n.client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, changed, meta.UpdateOptions{}); err != nil {
		log.Printf("%s: reporting %s: %v", pod.Name, phase, err)
	}
}

func (n *node) remove(ctx context.Context, pod *core.Pod) error {
	now := int64(0)
	return n.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, meta.DeleteOptions{GracePeriodSeconds: &now})
}

func (n *node) endAll() {
	n.lock.Lock()
	defer n.lock.Unlock()
	for _, command := range n.running {
		if command != nil {
			_ = command.Process.Signal(syscall.SIGTERM)
		}
	}
}

// assignments are the variables of a container.
type assignments struct {
	list []string // NAME=VALUE
	*strings.Replacer
}

func variables(pod *core.Pod, container core.Container) assignments {
	a := assignments{}
	var references []string
	for _, v := range container.Env {
		value := v.Value
		if v.ValueFrom != nil && v.ValueFrom.FieldRef != nil {
			value = field(pod, v.ValueFrom.FieldRef.FieldPath)
		}
		a.list = append(a.list, v.Name+"="+value)
		references = append(references, "$("+v.Name+")", value)
	}
	a.Replacer = strings.NewReplacer(references...)
	return a
}

// field is what a path like metadata.labels['job-name'] names in the pod.
func field(pod *core.Pod, path string) string {
	kind, key, _ := strings.Cut(strings.TrimSuffix(path, "']"), "['")
	switch kind {
	case "metadata.labels":
		return pod.Labels[key]
	case "metadata.annotations":
		return pod.Annotations[key]
	case "metadata.name":
		return pod.Name
	}
	return ""
}

// mount lays out the pod's ConfigMaps and returns what puts their paths in place of the mounts'.
func (n *node) mount(ctx context.Context, pod *core.Pod, container core.Container) (*strings.Replacer, error) {
	var paths []string
	for _, volume := range pod.Spec.Volumes {
		if volume.ConfigMap == nil {
			continue
		}
		source, err := n.client.CoreV1().ConfigMaps(pod.Namespace).Get(ctx, volume.ConfigMap.Name, meta.GetOptions{})
		if err != nil {
			return nil, err
		}
		dir := filepath.Join(n.logs, pod.Name+"-"+volume.Name)
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return nil, err
		}
		for name, text := range source.Data {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
				return nil, err
			}
		}
		for _, m := range container.VolumeMounts {
			if m.Name == volume.Name {
				paths = append(paths, m.MountPath, dir)
			}
		}
	}
	return strings.NewReplacer(paths...), nil
}
