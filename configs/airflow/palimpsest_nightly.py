"""A run every night as an array of pods, for Airflow (2.8 or later; tried with 3.3) with its provider for Kubernetes
(apache-airflow-providers-cncf-kubernetes).

    plan -> shard 0 ... shard 63 -> commit

Put your image, your bucket and your configuration in their places, give the cluster the configuration, and copy this file to the DAGs:

    kubectl create configmap palimpsest-nightly --from-file=palimpsest.yaml=configs/s3.yaml

The run is named after the night, so a task that is tried again, or a night that is cleared in Airflow and done again, goes on with the
same run and does only what is missing. A night that is started by hand needs a logical date.

Airflow does not tell exit codes apart: usage and bad input (64, 65) are tried again in vain, and so is a commit that published but
quarantined inputs (3), which shows as failed so that somebody looks.
"""

from datetime import datetime, timedelta

from airflow import DAG
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from kubernetes.client import models as k8s

IMAGE = "registry.example.com/palimpsest:1.0"
OUTPUT = "s3://my-bucket/evidence"
RUN_ID = "nightly-{{ ds }}"
RUN = f"{OUTPUT}/{RUN_ID}"
# How many pods share the work. A plan has no more tasks than the corpus has row groups; a pod beyond them fails.
TASKS = 64

# Of the three commands, what their pods have in common.
POD = {
    "image": IMAGE,
    "namespace": "default",
    # "service_account_name": "palimpsest",  # the identity that may read the inputs and write below OUTPUT
    # "env_from": [k8s.V1EnvFromSource(secret_ref=k8s.V1SecretEnvSource(name="palimpsest"))],  # or variables out of a Secret
    "container_resources": k8s.V1ResourceRequirements(
        requests={"cpu": "4", "memory": "5Gi"},  # resources.memory of the configuration (4 GiB by default) and a quarter more
        limits={"cpu": "4", "memory": "5Gi"},
    ),
    "termination_grace_period": 30,  # a task that is asked to end does within 10 seconds, and keeps what it has done
}

with DAG(
    dag_id="palimpsest_nightly",
    schedule="15 3 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=2)},
) as dag:
    plan = KubernetesPodOperator(
        task_id="plan",
        arguments=[
            "plan",
            "-c",
            "/etc/palimpsest/palimpsest.yaml",
            "--set",
            f"output={OUTPUT}",
            "--set",
            f"run_id={RUN_ID}",
            "--set",
            "logical_date={{ ds }}",
            "--tasks",
            str(TASKS),
        ],
        volumes=[
            k8s.V1Volume(name="configuration", config_map=k8s.V1ConfigMapVolumeSource(name="palimpsest-nightly")),
        ],
        volume_mounts=[k8s.V1VolumeMount(name="configuration", mount_path="/etc/palimpsest")],
        **POD,
    )

    # The plan holds the configuration: the tasks and the commit need nothing but the run.
    shard = KubernetesPodOperator.partial(
        task_id="shard",
        max_active_tis_per_dag=32,  # pods at once
        **POD,
    ).expand(arguments=[["shard", RUN, "--task", str(task)] for task in range(TASKS)])

    commit = KubernetesPodOperator(task_id="commit", arguments=["commit", RUN], **POD)

    plan >> shard >> commit
