"""Container of the page on Fargate."""

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.nag import acknowledge
from infra.settings import ROOT

PORT = 8501
CPU = 512  # CPU units; 1024 are one virtual CPU
MEMORY_MB = 1024


class Container(Construct):
    """One task. It is replaced if it becomes unhealthy; an unhealthy deployment is rolled back.

    Attributes:
        service: target of the load balancer.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        vpc: ec2.IVpc,
        api_url: str,
        secret: secretsmanager.ISecret,
        log: logs.ILogGroup,
    ) -> None:
        super().__init__(scope, name)
        cluster = ecs.Cluster(self, "Cluster", vpc=vpc)
        task = ecs.FargateTaskDefinition(
            self,
            "Task",
            cpu=CPU,
            memory_limit_mib=MEMORY_MB,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=ecs.CpuArchitecture.X86_64,
                operating_system_family=ecs.OperatingSystemFamily.LINUX,
            ),
        )
        task.add_container(
            "Page",
            image=ecs.ContainerImage.from_asset(
                str(ROOT),
                file="Dockerfile-streamlit",
                exclude=["lambda_api", "models"],
                platform=ecr_assets.Platform.LINUX_AMD64,
            ),
            environment={"API_URL": api_url},
            secrets={
                "API_USERNAME": ecs.Secret.from_secrets_manager(secret, "username"),
                "API_PASSWORD": ecs.Secret.from_secrets_manager(secret, "password"),
            },
            port_mappings=[ecs.PortMapping(container_port=PORT)],
            logging=ecs.LogDriver.aws_logs(stream_prefix="page", log_group=log),
        )
        self.service = ecs.FargateService(
            self,
            "Service",
            cluster=cluster,
            task_definition=task,
            desired_count=1,
            min_healthy_percent=100,
            circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
            assign_public_ip=True,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
        )
        acknowledge(
            cluster,
            "ECS4",
            "The service's CPU and memory metrics are free. Container Insights cost dollars per "
            "month for more detail about one task.",
        )
        acknowledge(
            task, "IAM5[Resource::*]", "The permission to log in to ECR cannot name a resource."
        )
        acknowledge(
            task,
            "ECS2",
            "The URL of the API is not a secret. The credentials come from the secret.",
        )
