"""Budget: an email when the monthly cost of the account gets high."""

from aws_cdk import aws_budgets as budgets
from constructs import Construct

# Regions where CloudFormation has no AWS::Budgets::Budget. A test compares them with cfn-lint.
WITHOUT_BUDGETS = {
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-3",
    "ap-south-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-west-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "il-central-1",
    "me-central-1",
    "mx-central-1",
}


class Budget(Construct):
    """Budget of the whole account, in US dollars per month.

    A budget of this project alone needs cost allocation tags, which have to be activated in the
    billing console first. Until then, it would not count any cost.
    """

    def __init__(self, scope: Construct, name: str, *, dollars: float, email: str) -> None:
        super().__init__(scope, name)
        subscriber = budgets.CfnBudget.SubscriberProperty(subscription_type="EMAIL", address=email)
        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=dollars, unit="USD"),
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        notification_type=kind,
                        comparison_operator="GREATER_THAN",
                        threshold=percent,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=[subscriber],
                )
                for kind, percent in [("ACTUAL", 80), ("FORECASTED", 100)]
            ],
        )
