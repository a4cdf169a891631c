#!/usr/bin/env bash
# kubernetes/run.sh PROGRAM runs the demo as an Indexed Job under a real Kubernetes API server and its Job controller, as `plan --emit
# kubernetes` writes it, and compares every file with what `run` makes of the same configuration. Pods run as processes (kubelet/),
# without images or containers. On the way a pod is deleted, whose end by SIGTERM must not count as a failure; some results are lost, and
# the missing tasks are submitted as Jobs of their own; a task with bad input fails its index at once; and the nightly CronJob makes a
# run. It needs Go alone; the first call builds etcd and Kubernetes from their modules, 13 minutes of one core. Without the Go module
# proxy it exits 77.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=$(realpath "$1")
cd "$here/../.."
. .ci/cache.sh
. .ci/server.sh

etcd_port=22379 peer_port=22380 api_port=26443
image=registry.example.com/palimpsest:test

# The control plane, built once for each go.mod.
bin=$cache/kubernetes-$(cat "$here/go.mod" "$here/go.sum" | sha256sum | cut -c1-16)
if [ ! -e "$bin/ready" ]; then
	if ! (cd "$here" && "${GO:-go}" mod download) >&2; then
		echo "skipped: the modules of etcd and Kubernetes cannot be fetched" >&2
		exit 77
	fi
	began=$SECONDS
	mkdir -p "$bin"
	(
		cd "$here"
		export CGO_ENABLED=0 GOEXPERIMENT=
		version=$("${GO:-go}" list -m -f '{{.Version}}' k8s.io/kubernetes)
		"${GO:-go}" build -ldflags '-s -w' -o "$bin/etcd" go.etcd.io/etcd/server/v3
		"${GO:-go}" build -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$version" -o "$bin/" \
			k8s.io/kubernetes/cmd/{kube-apiserver,kube-controller-manager,kubectl}
	)
	touch "$bin/ready"
	echo "kubernetes: built in $((SECONDS - began)) s"
fi

scratch kubernetes
before_end() {
	if [ "$1" -ne 0 ]; then kubectl get jobs,pods 2>/dev/null | head -n 30 >&2 || true; fi
}

fail() {
	echo "$*" >&2
	exit 1
}

kubectl() { "$bin/kubectl" --kubeconfig "$work/kubeconfig" "$@"; }

CGO_ENABLED=0 GOEXPERIMENT='' "${GO:-go}" -C "$here" build -o "$work/kubelet" ./kubelet
began=$SECONDS
mkdir "$work/pods"
openssl genrsa -out "$work/sa.key" 2048 2>/dev/null
echo 'token,admin,admin,"system:masters"' >"$work/tokens.csv"
cat >"$work/kubeconfig" <<-END
	apiVersion: v1
	kind: Config
	clusters: [{name: test, cluster: {server: "https://127.0.0.1:$api_port", insecure-skip-tls-verify: true}}]
	users: [{name: admin, user: {token: token}}]
	contexts: [{name: test, context: {cluster: test, user: admin}}]
	current-context: test
END
serve etcd "$bin/etcd" --data-dir "$work/etcd" --listen-client-urls "http://127.0.0.1:$etcd_port" \
	--advertise-client-urls "http://127.0.0.1:$etcd_port" --listen-peer-urls "http://127.0.0.1:$peer_port" \
	--initial-advertise-peer-urls "http://127.0.0.1:$peer_port" --initial-cluster "default=http://127.0.0.1:$peer_port" --unsafe-no-fsync
serve kube-apiserver "$bin/kube-apiserver" --etcd-servers="http://127.0.0.1:$etcd_port" --bind-address=127.0.0.1 \
	--secure-port=$api_port --cert-dir="$work/certificates" --authorization-mode=RBAC --token-auth-file="$work/tokens.csv" \
	--service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$work/sa.key" \
	--service-account-signing-key-file="$work/sa.key" --service-cluster-ip-range=10.0.0.0/24 \
	--disable-admission-plugins=ServiceAccount --endpoint-reconciler-type=none
soon 60 kubectl get --raw /readyz >/dev/null
serve kube-controller-manager "$bin/kube-controller-manager" --kubeconfig="$work/kubeconfig" --leader-elect=false --secure-port=0 \
	--service-account-private-key-file="$work/sa.key" --controllers="job-controller,cronjob-controller,garbage-collector-controller,\
pod-garbage-collector-controller,ttl-after-finished-controller,namespace-controller"
serve kubelet "$work/kubelet" -kubeconfig "$work/kubeconfig" -program "$program" -logs "$work/pods"
soon 30 kubectl get namespace default >/dev/null
# Pods that the strictest of the Pod Security Standards forbids are refused from here on.
kubectl label namespace default pod-security.kubernetes.io/enforce=restricted >/dev/null
echo "kubernetes: $(kubectl version | tail -n 1), ready after $((SECONDS - began)) s"

# The demo, from absolute paths, by one core a task.
sed -E "s#configs/demo/([a-z]+\.(parquet|gguf))#$PWD/configs/demo/\1#g" configs/demo/demo.yaml >"$work/demo.yaml"
settings=(-c "$work/demo.yaml" --set "output=$work/out" --set run_id=demo --set resources.workers=1)
run=file://$work/out/demo

# digests RUN prints the digest of every published file.
digests() {
	(cd "$work/out/$1" && find arrow parquet manifest.json _SUCCESS -type f -print0 | sort -z | xargs -0 sha256sum)
}

# same RUN compares the published files with those that run made.
same() {
	digests "$1" >"$work/got"
	diff "$work/want-$1" "$work/got" >&2 || fail "the files of $1 are not those of run"
	echo "kubernetes: $1: the $(wc -l <"$work/got") files are those of run"
}

began=$SECONDS
"$program" run "${settings[@]}" --set resources.workers=2 >/dev/null 2>"$work/run.log"
digests demo >"$work/want-demo"
rm -r "$work/out/demo"
echo "kubernetes: run took $((SECONDS - began)) s"

# Every manifest is one that the API server takes, and the bound that the program refuses to pass is the API's.
"$program" plan "${settings[@]}" --tasks 7 --emit kubernetes --image $image >"$work/job.yaml" 2>"$work/plan.log"
for manifest in "$work/job.yaml" configs/kubernetes/job.yaml configs/kubernetes/cronjob.yaml; do
	kubectl create --dry-run=server -f "$manifest" >/dev/null
done
sed 's/completions: .*/completions: 100000/' "$work/job.yaml" | kubectl create --dry-run=server -f - >/dev/null
if sed 's/completions: .*/completions: 100001/' "$work/job.yaml" | kubectl create --dry-run=server -f - >/dev/null 2>&1; then
	fail "the API takes more than 100000 completions"
fi

# The array. The pod of task 0 is deleted as it works: it ends with 75 and is replaced, and that is no failure.
shards=app.kubernetes.io/instance=palimpsest-demo,app.kubernetes.io/component=shard
instance=app.kubernetes.io/instance=palimpsest-demo
pod_of() { kubectl get pods -l "$shards,batch.kubernetes.io/job-completion-index=$1" --field-selector status.phase=Running -o name; }
running() { [ -n "$(pod_of "$1")" ] && sleep 1; }
status() { kubectl get job "$1" -o "jsonpath={.status.$2}"; }

began=$SECONDS
kubectl create -f "$work/job.yaml" >/dev/null
soon 60 running 0
pod=$(pod_of 0)
kubectl delete --wait=false "$pod" >/dev/null
grep_kubelet() { grep -q "$1" "$work/kubelet.log"; }
soon 15 grep_kubelet "${pod#pod/}: exit code 75"
kubectl wait job -l $shards --for=condition=complete --timeout=300s >/dev/null
[ "$(status palimpsest-demo failed)" = "" ] || fail "a pod that was deleted counted as a failure: $(status palimpsest-demo failed)"
[ "$(status palimpsest-demo completedIndexes)" = 0-6 ] || fail "completed: $(status palimpsest-demo completedIndexes)"
[ ! -e "$work/out/demo/_SUCCESS" ] || fail "a suspended commit committed"
echo "kubernetes: the array took $((SECONDS - began)) s; ${pod#pod/} was deleted, ended with 75 and was replaced"

# Some results are lost. The commit refuses, and the tasks they were of are submitted alone.
find "$work/out/demo/work" -name 'unit-*' | sort | sed -n '2p;5p' | xargs rm
if "$program" commit "$run" >"$work/commit.log" 2>&1; then fail "the commit did not miss two results"; fi
missing=$("$program" status "$run" --missing)
kubectl delete job -l $instance >/dev/null
"$program" plan "${settings[@]}" --tasks 7 --emit kubernetes --image $image >"$work/missing.yaml" 2>>"$work/plan.log"
kubectl create -f "$work/missing.yaml" >/dev/null
kubectl wait job -l $shards --for=condition=complete --timeout=120s >/dev/null
[ "$(kubectl get jobs -l $shards -o name | wc -l)" -le 2 ] || fail "more Jobs than results were lost"
echo "kubernetes: missing tasks, submitted alone: $missing"

kubectl patch job palimpsest-demo-commit --type=merge -p '{"spec":{"suspend":false}}' >/dev/null
kubectl wait job palimpsest-demo-commit --for=condition=complete --timeout=120s >/dev/null
same demo
kubectl delete job -l $instance >/dev/null

# Bad input, here a corpus that changed after the plan: every task fails, each after one try.
cp configs/demo/corpus.parquet "$work/corpus.parquet"
sed "s#$PWD/configs/demo/corpus#$work/corpus#; /^controls/,/^$/d; /^likelihood/,/^$/d; /from: model/,+1d" "$work/demo.yaml" \
	>"$work/bad.yaml"
"$program" plan -c "$work/bad.yaml" --set "output=$work/out" --set run_id=bad --set resources.workers=1 --tasks 2 --emit kubernetes \
	--image $image >"$work/bad.job.yaml" 2>>"$work/plan.log"
cp configs/nonsense/probes.parquet "$work/corpus.parquet"
kubectl create -f "$work/bad.job.yaml" >/dev/null
kubectl wait job palimpsest-bad --for=condition=failed --timeout=60s >/dev/null
[ "$(status palimpsest-bad failed) $(status palimpsest-bad failedIndexes)" = "2 0,1" ] ||
	fail "exit code 65: $(status palimpsest-bad failed) tries, failed $(status palimpsest-bad failedIndexes)"
echo "kubernetes: exit code 65 failed both tasks, each at its first try"

# The nightly run, started by hand: its Job's name is the run's.
sed "s#$work/corpus#$PWD/configs/demo/corpus#; s#^output: .*#output: $work/out#; /^run_id/d" "$work/bad.yaml" >"$work/nightly.yaml"
"$program" plan -c "$work/nightly.yaml" --set run_id=nightly --set resources.workers=1 --emit kubernetes-cronjob --image $image \
	>"$work/cronjob.yaml" 2>>"$work/plan.log"
kubectl create -f "$work/cronjob.yaml" >/dev/null
cronjob=$(kubectl get cronjobs -o name)
kubectl create job --from="$cronjob" palimpsest-night-1 >/dev/null
kubectl wait job palimpsest-night-1 --for=condition=complete --timeout=60s >/dev/null
digests palimpsest-night-1 >"$work/got-nightly"
rm -r "$work/out/palimpsest-night-1"
"$program" run -c "$work/nightly.yaml" --set run_id=palimpsest-night-1 >/dev/null 2>"$work/run.log"
digests palimpsest-night-1 >"$work/want-palimpsest-night-1"
diff "$work/want-palimpsest-night-1" "$work/got-nightly" >&2 || fail "the files of the nightly run are not those of run"
echo "kubernetes: the nightly Job's files are those of run"
