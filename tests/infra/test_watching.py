"""Alarms, who is told of them, and the canary that they roll back."""

import json
import re

from lambda_api.log import SERVICE
from lambda_api.metrics import UNITS
from tests.infra.conftest import Synthesised
from tests.infra.templates import properties


def test_a_new_version_takes_over_by_a_canary_that_alarms_roll_back(default: Synthesised) -> None:
    (group,) = properties(default.service, "AWS::CodeDeploy::DeploymentGroup")
    alarms = default.service.find_resources("AWS::CloudWatch::Alarm")
    (alias,) = default.service.find_resources("AWS::Lambda::Alias").values()
    (version,) = default.service.find_resources("AWS::Lambda::Version").values()

    assert "LambdaCanary10Percent5Minutes" in json.dumps(group["DeploymentConfigName"])
    assert group["AutoRollbackConfiguration"]["Enabled"] is True
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
    of_release = {alarm["Name"]["Ref"] for alarm in group["AlarmConfiguration"]["Alarms"]}
    assert {name[:-8] for name in of_release} == {
        "AlarmsServerErrors",
        "AlarmsFunctionErrors",
    }
    assert of_release <= alarms.keys()
    assert "CodeDeployLambdaAliasUpdate" in alias["UpdatePolicy"]
    assert version["DeletionPolicy"] == "Retain"


def test_without_the_canary_there_is_nothing_of_codedeploy(otherwise: Synthesised) -> None:
    template = otherwise.service

    template.resource_count_is("AWS::CodeDeploy::DeploymentGroup", 0)
    (alias,) = template.find_resources("AWS::Lambda::Alias").values()
    assert "UpdatePolicy" not in alias


def test_all_alarms_tell_the_topic_and_are_quiet_without_requests(default: Synthesised) -> None:
    (topic,) = default.service.find_resources("AWS::SNS::Topic")
    alarms = default.service.find_resources("AWS::CloudWatch::Alarm")

    assert {name[:-8] for name in alarms} == {
        "AlarmsServerErrors",
        "AlarmsFunctionErrors",
        "AlarmsSlow",
        "AlarmsThrottled",
        "AlarmsColdStarts",
        "AlarmsUnsureAnswers",
    }
    for alarm in alarms.values():
        assert alarm["Properties"]["AlarmActions"] == [{"Ref": topic}]
        assert alarm["Properties"]["OKActions"] == [{"Ref": topic}]
        assert alarm["Properties"]["TreatMissingData"] == "notBreaching"


def test_alarms_of_this_account_may_tell_the_topic_and_only_by_tls(default: Synthesised) -> None:
    (policy,) = properties(default.service, "AWS::SNS::TopicPolicy")
    statements = policy["PolicyDocument"]["Statement"]
    allowed, denied = sorted(statements, key=lambda statement: statement["Effect"])

    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert allowed["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert allowed["Action"] == "sns:Publish"
    assert allowed["Condition"] == {
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    }


def test_alarms_and_dashboard_look_at_metrics_that_the_service_writes(default: Synthesised) -> None:
    asked = set()
    for alarm in properties(default.service, "AWS::CloudWatch::Alarm"):
        for query in alarm.get("Metrics", []):
            metric = query.get("MetricStat", {}).get("Metric", {})
            if metric.get("Namespace") == "LandscapeClassifier/dev":
                asked.add(metric["MetricName"])
                assert metric["Dimensions"] == [{"Name": "service", "Value": SERVICE}]

    (board,) = properties(default.service, "AWS::CloudWatch::Dashboard")
    shown = "".join(part for part in board["DashboardBody"]["Fn::Join"][1] if isinstance(part, str))
    drawn = set(re.findall(r'"LandscapeClassifier/dev","(\w+)"', shown))

    assert asked == {"ColdStarts", "Requests", "UnsureAnswers", "Confidence"}
    assert {"DecodeTime", "InferenceTime", "ModelLoadTime", "FailedLogins"} <= drawn
    assert asked | drawn <= set(UNITS)
    assert f'service=\\"{SERVICE}\\"' in shown  # of the search for labels


def test_the_last_errors_include_those_that_only_lambda_tells(default: Synthesised) -> None:
    (board,) = properties(default.service, "AWS::CloudWatch::Dashboard")
    body = "".join(part for part in board["DashboardBody"]["Fn::Join"][1] if isinstance(part, str))
    (query,) = (
        widget["properties"]["query"]
        for widget in json.loads(body)["widgets"]
        if widget["type"] == "log"
    )

    assert 'record.status in ["error", "failure", "timeout"]' in query


def test_mail_and_budget_come_with_an_address(
    default: Synthesised, everything: Synthesised
) -> None:
    (subscription,) = properties(everything.service, "AWS::SNS::Subscription")
    (budget,) = properties(everything.service, "AWS::Budgets::Budget")

    default.service.resource_count_is("AWS::SNS::Subscription", 0)
    default.service.resource_count_is("AWS::Budgets::Budget", 0)
    assert subscription["Protocol"] == "email"
    assert budget["Budget"]["BudgetLimit"] == {"Amount": 50, "Unit": "USD"}
    assert len(budget["NotificationsWithSubscribers"]) == 2
