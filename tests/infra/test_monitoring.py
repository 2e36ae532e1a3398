"""Monitoring: alarms, their notifications, the dashboard, and the canary."""

import json
import re
from typing import Any

import pytest

from lambda_api.events import is_http
from lambda_api.log import SERVICE
from tests.infra.conftest import Assembly
from tests.infra.templates import properties


def test_new_version_starts_as_a_canary_that_alarms_roll_back(default: Assembly) -> None:
    (group,) = properties(default.service, "AWS::CodeDeploy::DeploymentGroup")
    alarms = default.service.find_resources("AWS::CloudWatch::Alarm")
    (alias,) = default.service.find_resources("AWS::Lambda::Alias").values()

    assert "LambdaCanary10Percent5Minutes" in json.dumps(group["DeploymentConfigName"])
    assert group["AutoRollbackConfiguration"]["Enabled"] is True
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
    of_release = {alarm["Name"]["Ref"] for alarm in group["AlarmConfiguration"]["Alarms"]}
    assert {name[:-8] for name in of_release} == {"ReleaseServerErrors", "ReleaseFunctionErrors"}
    for name in of_release:  # a single error is enough, and wakes nobody
        alarm = alarms[name]["Properties"]
        assert "AlarmActions" not in alarm
        assert alarm["TreatMissingData"] == "notBreaching"
        assert (alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"]) == (1, 3)
    assert "CodeDeployLambdaAliasUpdate" in alias["UpdatePolicy"]


def test_without_canary_there_is_no_codedeploy(otherwise: Assembly) -> None:
    template = otherwise.service

    template.resource_count_is("AWS::CodeDeploy::DeploymentGroup", 0)
    (alias,) = template.find_resources("AWS::Lambda::Alias").values()

    assert "UpdatePolicy" not in alias


def alarms_for_people(assembly: Assembly) -> dict[str, dict[str, Any]]:
    """Properties of the alarms that notify somebody, by name."""
    return {
        name[len("Alarms") : -8]: alarm["Properties"]
        for name, alarm in assembly.service.find_resources("AWS::CloudWatch::Alarm").items()
        if name.startswith("Alarms")
    }


def test_alarms_notify_the_topic_and_stay_ok_without_requests(default: Assembly) -> None:
    (topic,) = default.service.find_resources("AWS::SNS::Topic")
    alarms = alarms_for_people(default)

    assert set(alarms) == {
        "ServerErrors",
        "FunctionErrors",
        "Slow",
        "Throttled",
        "RefusedLogins",
        "Traffic",
        "Heartbeat",
        "ColdStarts",
        "UnsureAnswers",
    }
    for name, alarm in alarms.items():
        assert alarm["AlarmActions"] == [{"Ref": topic}]
        assert alarm["OKActions"] == [{"Ref": topic}]
        expected = "missing" if name == "Heartbeat" else "notBreaching"
        assert alarm["TreatMissingData"] == expected


def test_function_is_called_twice_a_day_and_an_alarm_misses_the_call(default: Assembly) -> None:
    (topic,) = default.service.find_resources("AWS::SNS::Topic")
    (alias,) = default.service.find_resources("AWS::Lambda::Alias")
    (rule,) = properties(default.service, "AWS::Events::Rule")
    (target,) = rule["Targets"]
    alarm = alarms_for_people(default)["Heartbeat"]
    metrics = {metric["Id"]: metric.get("MetricStat", {}) for metric in alarm["Metrics"]}

    assert target["Arn"] == {"Ref": alias}  # the version that serves, not the newest code
    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(12 hours)", "ENABLED")
    assert is_http(json.loads(target["Input"]))
    # Without a call there is no data, which has to notify too.
    assert alarm["InsufficientDataActions"] == [{"Ref": topic}]
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)
    assert {metrics[name]["Period"] for name in ("answered_every", "answered_failed")} == {86_400}
    assert metrics["answered_every"]["Metric"]["MetricName"] == "Requests"


# Requests per hour at the loads of docs/cost.md: 10,000 to 100,000,000 per month.
LOADS = [14, 137, 1_370, 13_699, 136_986]


def value(alarm: dict[str, Any], **metrics: float) -> float:
    """Compute the metric of an alarm for a period, from the sums of its metrics by name."""
    values = {
        query["Id"]: metrics[query["MetricStat"]["Metric"]["MetricName"]]
        for query in alarm["Metrics"]
        if "MetricStat" in query
    }
    expressions = [query["Expression"] for query in alarm["Metrics"] if "Expression" in query]
    if not expressions:
        return next(iter(values.values()))
    functions = {
        "IF": lambda condition, yes, no: yes if condition else no,
        "FILL": lambda value, _: value,
    }
    # The expressions are ours, and valid Python.
    return float(eval(expressions[0], {"__builtins__": {}}, functions | values))  # noqa: S307


def fires(alarm: dict[str, Any], **metrics: float) -> bool:
    assert alarm["EvaluationPeriods"] == alarm.get("DatapointsToAlarm", 1) == 1
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    return value(alarm, **metrics) > alarm["Threshold"]


@pytest.mark.parametrize("requests", LOADS)
def test_outage_fires_at_every_documented_load_but_a_single_error_does_not(
    default: Assembly, requests: int
) -> None:
    alarms = alarms_for_people(default)

    assert fires(alarms["ServerErrors"], **{"5xx": requests, "Count": requests})
    assert fires(alarms["ServerErrors"], **{"5xx": max(3, 0.02 * requests), "Count": requests})
    assert not fires(alarms["ServerErrors"], **{"5xx": 1, "Count": requests})
    assert fires(alarms["FunctionErrors"], Errors=max(3, 0.02 * requests))
    assert fires(alarms["Slow"], Duration=3_500, Invocations=requests)
    assert not fires(alarms["Slow"], Duration=2_500, Invocations=requests)


def test_one_failed_request_of_one_wakes_nobody(default: Assembly) -> None:
    alarms = alarms_for_people(default)

    assert not fires(alarms["ServerErrors"], **{"5xx": 1, "Count": 1})
    assert not fires(alarms["FunctionErrors"], Errors=1)
    assert not fires(alarms["Throttled"], Throttles=1)
    assert not fires(alarms["Slow"], Duration=29_000, Invocations=1)


def test_guessing_fires_but_a_forgotten_password_does_not(default: Assembly) -> None:
    alarm = alarms_for_people(default)["RefusedLogins"]

    assert fires(alarm, FailedLogins=60, SlowedLogins=0)
    assert fires(alarm, FailedLogins=10, SlowedLogins=600)  # one address, for some minutes
    assert not fires(alarm, FailedLogins=10, SlowedLogins=5)


def test_flood_without_credentials_fires_at_a_fifth_of_the_allowed_rate(
    default: Assembly, everything: Assembly
) -> None:
    for assembly, rate in [(default, 50), (everything, 10)]:
        alarm = alarms_for_people(assembly)["Traffic"]

        ((period, name),) = (
            (query["MetricStat"]["Period"], query["MetricStat"]["Metric"]["MetricName"])
            for query in alarm["Metrics"]
        )
        assert (name, period) == ("Count", 3600)
        assert fires(alarm, Count=rate * 3600)
        assert not fires(alarm, Count=rate * 3600 * 0.2)


def test_only_alarms_of_this_account_publish_to_the_topic_and_over_tls(default: Assembly) -> None:
    (policy,) = properties(default.service, "AWS::SNS::TopicPolicy")
    statements = policy["PolicyDocument"]["Statement"]
    allowed, denied = sorted(statements, key=lambda statement: statement["Effect"])

    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert allowed["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert allowed["Action"] == "sns:Publish"
    assert allowed["Condition"] == {
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    }


def test_alarms_and_dashboard_use_metrics_that_the_service_writes(
    default: Assembly, written_metrics: set[tuple[str, str | None]]
) -> None:
    written = {name for name, _ in written_metrics}
    watched = set()
    for alarm in properties(default.service, "AWS::CloudWatch::Alarm"):
        for query in alarm.get("Metrics", []):
            metric = query.get("MetricStat", {}).get("Metric", {})
            if metric.get("Namespace") == "LandscapeClassifier/dev":
                watched.add(metric["MetricName"])
                assert metric["Dimensions"] == [{"Name": "service", "Value": SERVICE}]

    (board,) = properties(default.service, "AWS::CloudWatch::Dashboard")
    body = "".join(part for part in board["DashboardBody"]["Fn::Join"][1] if isinstance(part, str))
    drawn = set(re.findall(r'"LandscapeClassifier/dev","(\w+)"', body))

    assert watched == {
        "ColdStarts",
        "Confidence",
        "Errors",
        "FailedLogins",
        "Requests",
        "SlowedLogins",
        "UnsureAnswers",
    }
    assert {"DecodeTime", "InferenceTime", "ModelLoadTime", "FailedLogins"} <= drawn
    assert watched | drawn <= written
    assert f'service=\\"{SERVICE}\\"' in body  # search for labels


def test_last_errors_include_those_reported_by_lambda(default: Assembly) -> None:
    (board,) = properties(default.service, "AWS::CloudWatch::Dashboard")
    body = "".join(part for part in board["DashboardBody"]["Fn::Join"][1] if isinstance(part, str))
    (query,) = (
        widget["properties"]["query"]
        for widget in json.loads(body)["widgets"]
        if widget["type"] == "log"
    )

    assert 'record.status in ["error", "failure", "timeout"]' in query


def test_email_address_enables_the_subscription_and_the_budget(
    default: Assembly, everything: Assembly
) -> None:
    (subscription,) = properties(everything.service, "AWS::SNS::Subscription")
    (budget,) = properties(everything.service, "AWS::Budgets::Budget")

    default.service.resource_count_is("AWS::SNS::Subscription", 0)
    default.service.resource_count_is("AWS::Budgets::Budget", 0)

    assert subscription["Protocol"] == "email"
    assert budget["Budget"]["BudgetLimit"] == {"Amount": 50, "Unit": "USD"}
    assert len(budget["NotificationsWithSubscribers"]) == 2


def test_alarm_on_low_confidence_can_fire_at_ten_thousand_requests_a_month(
    default: Assembly,
) -> None:
    """The smallest load of docs/cost.md has 333 requests a day."""
    (alarm,) = (
        alarm["Properties"]
        for name, alarm in default.service.find_resources("AWS::CloudWatch::Alarm").items()
        if "UnsureAnswers" in name
    )
    share = next(query for query in alarm["Metrics"] if "Expression" in query)
    (minimum,) = re.findall(r">= (\d+)", share["Expression"])
    periods = {q["MetricStat"]["Period"] for q in alarm["Metrics"] if "MetricStat" in q}

    (period,) = periods
    assert alarm["EvaluationPeriods"] == 1
    assert 10_000 / 30 * period / 86_400 >= 10 * int(minimum)
