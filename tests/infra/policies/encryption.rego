# Data at rest is encrypted with the customer-managed key. Each resource type is listed here, either with its key attribute
# or as storing no data, so that a new type must be classified.
package encryption

import rego.v1

keys(r) := [object.get(r.values, name, null) | some name in direct[r.type]] if direct[r.type]

# Key attributes at the top level of the resource.
direct := {
	"aws_cloudwatch_log_group": ["kms_key_id"],
	"aws_db_instance": ["kms_key_id", "performance_insights_kms_key_id", "master_user_secret_kms_key_id"],
	"aws_lambda_function": ["kms_key_arn"],
	"aws_secretsmanager_secret": ["kms_key_id"],
	"aws_sns_topic": ["kms_master_key_id"],
	"aws_sqs_queue": ["kms_master_key_id"],
}

keys(r) := [each.kms_key | some each in r.values.encryption_configuration] if r.type == "aws_ecr_repository"

keys(r) := [each.encryption_at_rest_kms_key_arn | some each in r.values.encryption_info] if r.type == "aws_msk_cluster"

keys(r) := [provider.key_arn | some each in r.values.encryption_config; "secrets" in each.resources; some provider in each.provider] if {
	r.type == "aws_eks_cluster"
}

keys(r) := [method.kms_master_key_id |
	some rule in r.values.rule
	some method in rule.apply_server_side_encryption_by_default
] if {
	r.type == "aws_s3_bucket_server_side_encryption_configuration"
}

own(key) if regex.match("^arn:aws[a-z-]*:kms:", key)

denied contains {"rule": "not encrypted with the customer key", "at": r.address} if {
	some r in input.resources
	found := keys(r)
	customer_managed := [key | some key in found; own(key)]
	count(customer_managed) != max([count(found), 1])
}

# Node disks use the account's default EBS key.
denied contains {"rule": "an unencrypted disk", "at": r.address} if {
	some r in input.resources
	r.type == "aws_launch_template"
	disks := [ebs | some mapping in r.values.block_device_mappings; some ebs in mapping.ebs]
	encrypted := [ebs | some ebs in disks; ebs.encrypted == "true"]
	count(encrypted) != max([count(disks), 1])
}

denied contains {"rule": "an unencrypted disk", "at": r.address} if {
	some r in input.resources
	r.type == "aws_db_instance"
	r.values.storage_encrypted != true
}

# A bucket's encryption is a separate resource.
denied contains {"rule": "an unencrypted bucket", "at": r.address} if {
	some r in input.resources
	r.type == "aws_s3_bucket"
	not r.values.bucket in encrypted_buckets
}

encrypted_buckets := {r.values.bucket |
	some r in input.resources
	r.type == "aws_s3_bucket_server_side_encryption_configuration"
}

denied contains {"rule": "unencrypted in transit", "at": r.address} if {
	some r in input.resources
	r.type == "aws_msk_cluster"
	some info in r.values.encryption_info
	not travels_encrypted(info)
}

travels_encrypted(info) if {
	some transit in info.encryption_in_transit
	transit.client_broker == "TLS"
	transit.in_cluster == true
}

denied contains {"rule": "an unclassified resource type", "at": r.address} if {
	some r in input.resources
	not direct[r.type]
	not r.type in elsewhere
	not keeps_nothing(r.type)
}

elsewhere := {
	"aws_ecr_repository",
	"aws_eks_cluster",
	"aws_launch_template",
	"aws_msk_cluster",
	"aws_s3_bucket",
	"aws_s3_bucket_server_side_encryption_configuration",
}

# Network, DNS and certificates, IAM, edge, monitoring, and configuration of the above.
keeps_nothing(type) if {
	some family in [
		"(vpc|subnet|route|route_table|eip|nat_gateway|internet_gateway|(default_)?security_group)(_.*)?",
		"(acm|route53|iam|kms|apigatewayv2|lb|wafv2|appautoscaling)(_.*)?",
		"(budgets_budget|cloudwatch_(dashboard|event_rule|event_target|metric_alarm)|flow_log|sns_topic_subscription)",
		"(db_parameter_group|db_subnet_group|ecr_lifecycle_policy|lambda_(function_url|permission)|msk_configuration)",
		"eks_(access_entry|access_policy_association|addon|node_group|pod_identity_association)",
		"s3_bucket_(lifecycle_configuration|public_access_block|versioning)",
	]
	regex.match(sprintf("^aws_%s$", [family]), type)
}
