"""Container of the page on Fargate."""

from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.access import AccessSettings
from infra.function import PLATFORMS
from infra.nag import acknowledge
from infra.settings import ROOT

PORT = 8501
CPU = 512  # CPU units; 1024 are one virtual CPU
MEMORY_MB = 1024
CPU_ARCHITECTURES = {
    "x86_64": ecs.CpuArchitecture.X86_64,
    "arm64": ecs.CpuArchitecture.ARM64,
}
# Variables of the container by key of the secret `page_oidc_secret`.
OIDC_VARIABLES = {
    "client_id": "PAGE_OIDC_CLIENT_ID",
    "client_secret": "PAGE_OIDC_CLIENT_SECRET",
    "server_metadata_url": "PAGE_OIDC_METADATA_URL",
    "cookie_secret": "PAGE_OIDC_COOKIE_SECRET",
}


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
        secret: secretsmanager.ISecret | None,
        log: logs.ILogGroup,
        architecture: str,
        access: AccessSettings,
    ) -> None:
        super().__init__(scope, name)
        cluster = ecs.Cluster(self, "Cluster", vpc=vpc)
        task = ecs.FargateTaskDefinition(
            self,
            "Task",
            cpu=CPU,
            memory_limit_mib=MEMORY_MB,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=CPU_ARCHITECTURES[architecture],
                operating_system_family=ecs.OperatingSystemFamily.LINUX,
            ),
        )
        secrets = {}
        if secret is not None:
            for key in ("username", "password"):
                secrets[f"API_{key.upper()}"] = ecs.Secret.from_secrets_manager(secret, key)
        if access.page_oidc_secret:
            oidc = _existing_secret(self, access.page_oidc_secret)
            for key, variable in OIDC_VARIABLES.items():
                secrets[variable] = ecs.Secret.from_secrets_manager(oidc, key)
        self._container = task.add_container(
            "Page",
            image=ecs.ContainerImage.from_asset(
                str(ROOT),
                file="Dockerfile-streamlit",
                exclude=["lambda_api", "models"],
                platform=PLATFORMS[architecture],
            ),
            environment={"API_URL": api_url, **access.page_environment},
            secrets=secrets,
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
            "Addresses and access rules are not secret. The credentials come from secrets.",
        )
        if access.page_oidc_secret:
            acknowledge(
                Stack.of(self),
                "IAM5[Resource::arn:<AWS::Partition>:secretsmanager:<AWS::Region>:"
                f"<AWS::AccountId>:secret:{access.page_oidc_secret}-??????]",
                "The random suffix of the secret's ARN is not known.",
            )

    def set_address(self, address: str) -> None:
        """Set the page's own address, to which the identity provider sends visitors back."""
        self._container.add_environment("PAGE_URL", address)


def _existing_secret(scope: Construct, name_or_arn: str) -> secretsmanager.ISecret:
    if name_or_arn.startswith("arn:"):
        return secretsmanager.Secret.from_secret_complete_arn(scope, "Oidc", name_or_arn)
    return secretsmanager.Secret.from_secret_name_v2(scope, "Oidc", name_or_arn)
