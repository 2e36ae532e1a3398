"""The user name and password that the API asks for."""

import json

from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.nag import acknowledge
from infra.removal import removal_policy
from infra.rotation.schedule import Rotation

PASSWORD_LENGTH = 32


class Credentials(Construct):
    """A secret `{"username": …, "password": …}` with a generated password.

    The service reads it again every five minutes, and after a failed log-in: a new value of
    the secret needs no deployment.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        username: str,
        rotate_days: int | None,
        log_days: int,
        keeps_data: bool,
    ) -> None:
        super().__init__(scope, name)
        self.secret = secretsmanager.Secret(
            self,
            "Secret",
            description="User and password of the landscape classifier's API",
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template=json.dumps({"username": username}),
                generate_string_key="password",
                password_length=PASSWORD_LENGTH,
                exclude_punctuation=True,  # so that it needs no quotes in a shell
            ),
            removal_policy=removal_policy(keeps_data),
        )
        if rotate_days:
            Rotation(
                self,
                "Rotation",
                secret=self.secret,
                days=rotate_days,
                log_days=log_days,
                keeps_data=keeps_data,
            )
        else:
            acknowledge(
                self.secret,
                "SMG4",
                "Clients hold the password too: it changes when they can be told, by the command "
                "in docs/operations.md, or on a schedule by rotate_password_days.",
            )
