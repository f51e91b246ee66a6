"""Resources in the account by kind, read from AWS, not from Terraform."""

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

import requests

Client = Any
Ask = Callable[[Callable[[str], Client]], Iterable[str]]


def _listed(service: str, operation: str, items: str, key: str) -> Ask:
    """A function that lists all resources of a kind, over all pages."""

    def ask(client: Callable[[str], Client]) -> Iterable[str]:
        one = client(service)
        pages = one.get_paginator(operation).paginate() if one.can_paginate(operation) else [getattr(one, operation)()]
        found = [item for page in pages for item in page[items]]
        return [item if isinstance(item, str) else str(item[key]) for item in found]

    return ask


def _watched(action: str, tag: str) -> Ask:
    """Like `_listed`, for CloudWatch, whose newer protocol the emulator does not support."""

    def ask(client: Callable[[str], Client]) -> Iterable[str]:
        answer = requests.post(
            client("ec2").meta.endpoint_url,
            data={"Action": action, "Version": "2010-08-01"},
            headers={
                "Authorization": "AWS4-HMAC-SHA256 Credential=emulated/20260101/eu-west-1/monitoring/aws4_request"
            },
            timeout=30,
        )
        answer.raise_for_status()
        return re.findall(rf"<{tag}>([^<]+)</{tag}>", answer.text)

    return ask


def _living(service: str, operation: str, items: str, key: str, *, gone: str) -> Ask:
    """Like `_listed`, without resources in the deleted state."""

    def ask(client: Callable[[str], Client]) -> Iterable[str]:
        answer = getattr(client(service), operation)()
        return [str(item[key]) for item in answer[items] if item["State"] != gone]

    return ask


def _interfaces(client: Callable[[str], Client]) -> Iterable[str]:
    """Without those of deleted NAT gateways, which the emulator keeps but AWS deletes."""
    ec2 = client("ec2")
    addresses = [
        address
        for gateway in ec2.describe_nat_gateways()["NatGateways"]
        if gateway["State"] == "deleted"
        for address in gateway["NatGatewayAddresses"]
    ]
    gone = {address.get("NetworkInterfaceId") for address in addresses}
    there = [one["NetworkInterfaceId"] for one in ec2.describe_network_interfaces()["NetworkInterfaces"]]
    return [one for one in there if one not in gone]


def _keys(client: Callable[[str], Client]) -> Iterable[str]:
    """Keys that are not scheduled for deletion: AWS keeps deleted keys for at least a week."""
    kms = client("kms")
    described = (kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in kms.list_keys()["Keys"])
    return [key["KeyId"] for key in described if key["KeyManager"] == "CUSTOMER" and not key.get("DeletionDate")]


def _aliases(client: Callable[[str], Client]) -> Iterable[str]:
    names = (alias["AliasName"] for alias in client("kms").list_aliases()["Aliases"])
    return [name for name in names if not name.startswith("alias/aws/")]


def _records(client: Callable[[str], Client]) -> Iterable[str]:
    route53 = client("route53")
    zones = route53.list_hosted_zones()["HostedZones"]
    sets = (route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"] for zone in zones)
    return [f"{record['Type']} {record['Name']}" for zone in sets for record in zone]


def _firewalls(client: Callable[[str], Client]) -> Iterable[str]:
    return [acl["Name"] for acl in client("wafv2").list_web_acls(Scope="REGIONAL")["WebACLs"]]


KINDS: Final[dict[str, Ask]] = {
    "VPCs": _listed("ec2", "describe_vpcs", "Vpcs", "VpcId"),
    "subnets": _listed("ec2", "describe_subnets", "Subnets", "SubnetId"),
    "security groups": _listed("ec2", "describe_security_groups", "SecurityGroups", "GroupId"),
    "network interfaces": _interfaces,
    "route tables": _listed("ec2", "describe_route_tables", "RouteTables", "RouteTableId"),
    "internet gateways": _listed("ec2", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    "addresses": _listed("ec2", "describe_addresses", "Addresses", "AllocationId"),
    "NAT gateways": _living("ec2", "describe_nat_gateways", "NatGateways", "NatGatewayId", gone="deleted"),
    "VPC endpoints": _living("ec2", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId", gone="deleted"),
    "flow logs": _listed("ec2", "describe_flow_logs", "FlowLogs", "FlowLogId"),
    "launch templates": _listed("ec2", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateId"),
    "roles": _listed("iam", "list_roles", "Roles", "RoleName"),
    "identity providers": _listed("iam", "list_open_id_connect_providers", "OpenIDConnectProviderList", "Arn"),
    "keys": _keys,
    "aliases of keys": _aliases,
    "secrets": _listed("secretsmanager", "list_secrets", "SecretList", "Name"),
    "log groups": _listed("logs", "describe_log_groups", "logGroups", "logGroupName"),
    "load balancers": _listed("elbv2", "describe_load_balancers", "LoadBalancers", "LoadBalancerArn"),
    "target groups": _listed("elbv2", "describe_target_groups", "TargetGroups", "TargetGroupArn"),
    "HTTP APIs": _listed("apigatewayv2", "get_apis", "Items", "ApiId"),
    "VPC links": _listed("apigatewayv2", "get_vpc_links", "Items", "VpcLinkId"),
    "domain names": _listed("apigatewayv2", "get_domain_names", "Items", "DomainName"),
    "functions": _listed("lambda", "list_functions", "Functions", "FunctionName"),
    "databases": _listed("rds", "describe_db_instances", "DBInstances", "DBInstanceIdentifier"),
    "snapshots": _listed("rds", "describe_db_snapshots", "DBSnapshots", "DBSnapshotIdentifier"),
    "subnet groups": _listed("rds", "describe_db_subnet_groups", "DBSubnetGroups", "DBSubnetGroupName"),
    "parameter groups": _listed("rds", "describe_db_parameter_groups", "DBParameterGroups", "DBParameterGroupName"),
    "clusters": _listed("eks", "list_clusters", "clusters", ""),
    "repositories": _listed("ecr", "describe_repositories", "repositories", "repositoryName"),
    "notification topics": _listed("sns", "list_topics", "Topics", "TopicArn"),
    "alarms": _watched("DescribeAlarms", "AlarmName"),
    "dashboards": _watched("ListDashboards", "DashboardName"),
    "schedules": _listed("events", "list_rules", "Rules", "Name"),
    "certificates": _listed("acm", "list_certificates", "CertificateSummaryList", "CertificateArn"),
    "records": _records,
    "firewalls": _firewalls,
}


def inventory(client: Callable[[str], Client]) -> dict[str, set[str]]:
    """Resources of every kind."""
    return {kind: set(ask(client)) for kind, ask in KINDS.items()}


def added(before: dict[str, set[str]], after: dict[str, set[str]]) -> dict[str, set[str]]:
    """Resources in `after` but not in `before`, by kind; empty kinds are omitted."""
    new = {kind: there - before[kind] for kind, there in after.items()}
    return {kind: there for kind, there in new.items() if there}
