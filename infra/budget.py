"""A mail before the account's costs of a month get out of hand."""

from aws_cdk import aws_budgets as budgets
from constructs import Construct

# Where CloudFormation has no AWS::Budgets::Budget, says cfn-lint; a test compares the two.
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
    """A budget of the whole account, in dollars a month.

    Of one project alone it would need cost allocation tags, which somebody has to activate in the
    billing console first: until then such a budget sees nothing and warns of nothing.
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
