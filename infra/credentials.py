"""Username and password of the API."""

import json

from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.nag import acknowledge
from infra.retention import Retention
from infra.rotation.schedule import Rotation

PASSWORD_LENGTH = 32


class Credentials(Construct):
    """Secret `{"username": ..., "password": ...}` with a generated password.

    The service reads the secret again every five minutes and after a failed login, so a new value
    needs no deployment.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        username: str,
        rotate_days: int | None,
        retention: Retention,
    ) -> None:
        super().__init__(scope, name)
        self.secret = secretsmanager.Secret(
            self,
            "Secret",
            description="Username and password of the landscape classifier API",
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template=json.dumps({"username": username}),
                generate_string_key="password",
                password_length=PASSWORD_LENGTH,
                exclude_punctuation=True,  # needs no quotes in a shell
            ),
            removal_policy=retention.removal_policy,
        )
        if rotate_days:
            Rotation(self, "Rotation", secret=self.secret, days=rotate_days, retention=retention)
        else:
            acknowledge(
                self.secret,
                "SMG4",
                "Clients use the password too, so it is changed when they can be updated: with the "
                "command in docs/operations.md, or on a schedule with rotate_password_days.",
            )
