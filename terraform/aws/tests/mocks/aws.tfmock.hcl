# Attributes that AWS assigns, mocked so that they are known at plan time: a plan then shows all references, and the tests
# in tests/infra read complete policies. Resources of one kind have distinct values only where tests distinguish them.

override_data {
  target = data.aws_caller_identity.current
  values = { account_id = "000000000000" }
}

override_data {
  target = data.aws_partition.current
  values = { partition = "aws" }
}

mock_resource "aws_kms_key" {
  override_during = plan
  defaults        = { arn = "arn:aws:kms:eu-west-1:000000000000:key/mock", key_id = "mock" }
}

# --- Network

mock_resource "aws_vpc" {
  override_during = plan
  defaults        = { id = "vpc-mock" }
}

override_resource {
  override_during = plan
  target          = module.network.aws_subnet.private["eu-west-1a"]
  values          = { id = "subnet-private-a" }
}

override_resource {
  override_during = plan
  target          = module.network.aws_subnet.private["eu-west-1b"]
  values          = { id = "subnet-private-b" }
}

override_resource {
  override_during = plan
  target          = module.network.aws_subnet.private["eu-west-1c"]
  values          = { id = "subnet-private-c" }
}

override_resource {
  override_during = plan
  target          = module.network.aws_subnet.public["eu-west-1a"]
  values          = { id = "subnet-public-a" }
}

override_resource {
  override_during = plan
  target          = module.network.aws_subnet.public["eu-west-1b"]
  values          = { id = "subnet-public-b" }
}

override_resource {
  override_during = plan
  target          = module.network.aws_subnet.public["eu-west-1c"]
  values          = { id = "subnet-public-c" }
}

override_resource {
  override_during = plan
  target          = module.security.aws_security_group.this["nodes"]
  values          = { id = "sg-nodes" }
}

override_resource {
  override_during = plan
  target          = module.security.aws_security_group.this["balancer"]
  values          = { id = "sg-balancer" }
}

override_resource {
  override_during = plan
  target          = module.security.aws_security_group.this["link"]
  values          = { id = "sg-link" }
}

override_resource {
  override_during = plan
  target          = module.security.aws_security_group.this["function"]
  values          = { id = "sg-function" }
}

override_resource {
  override_during = plan
  target          = module.security.aws_security_group.this["postgres"]
  values          = { id = "sg-postgres" }
}

override_resource {
  override_during = plan
  target          = module.security.aws_security_group.this["kafka"]
  values          = { id = "sg-kafka" }
}

override_resource {
  override_during = plan
  target          = module.network.aws_security_group.endpoints
  values          = { id = "sg-endpoints" }
}

# --- Logs, and who hears of alarms

override_resource {
  override_during = plan
  target          = module.edge.aws_cloudwatch_log_group.access
  values          = { arn = "arn:aws:logs:eu-west-1:000000000000:log-group:access" }
}

override_resource {
  override_during = plan
  target          = module.network.aws_cloudwatch_log_group.flow
  values          = { arn = "arn:aws:logs:eu-west-1:000000000000:log-group:flow" }
}

override_resource {
  override_during = plan
  target          = module.edge.aws_cloudwatch_log_group.waf
  values          = { arn = "arn:aws:logs:eu-west-1:000000000000:log-group:waf" }
}

mock_resource "aws_sns_topic" {
  override_during = plan
  defaults        = { arn = "arn:aws:sns:eu-west-1:000000000000:alarms" }
}

# --- Who may do what

mock_resource "aws_iam_role" {
  override_during = plan
  defaults        = { arn = "arn:aws:iam::000000000000:role/mock" }
}

mock_resource "aws_iam_openid_connect_provider" {
  override_during = plan
  defaults        = { arn = "arn:aws:iam::000000000000:oidc-provider/mock" }
}

# --- Data

mock_resource "aws_ecr_repository" {
  override_during = plan
  defaults = {
    arn            = "arn:aws:ecr:eu-west-1:000000000000:repository/mock"
    repository_url = "registry.invalid/mock"
  }
}

mock_resource "aws_msk_cluster" {
  override_during = plan
  defaults = {
    arn                        = "arn:aws:kafka:eu-west-1:000000000000:cluster/mock/0000"
    bootstrap_brokers_sasl_iam = "b-1.kafka.invalid:9098,b-2.kafka.invalid:9098"
  }
}

mock_resource "aws_msk_configuration" {
  override_during = plan
  defaults        = { arn = "arn:aws:kafka:eu-west-1:000000000000:configuration/mock/0000", latest_revision = 1 }
}

mock_resource "aws_db_parameter_group" {
  override_during = plan
  defaults        = { name = "parameters-mock" }
}

mock_resource "aws_db_instance" {
  override_during = plan
  defaults = {
    address            = "postgres.invalid"
    master_user_secret = [{ secret_arn = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:rds!mock" }]
  }
}

mock_resource "aws_s3_bucket" {
  override_during = plan
  defaults        = { arn = "arn:aws:s3:::backups-mock", bucket = "backups-mock", id = "backups-mock" }
}

override_resource {
  override_during = plan
  target          = module.queue.aws_sqs_queue.this
  values          = { arn = "arn:aws:sqs:eu-west-1:000000000000:celery", url = "https://sqs.invalid/celery" }
}

override_resource {
  override_during = plan
  target          = module.queue.aws_sqs_queue.dead
  values          = { arn = "arn:aws:sqs:eu-west-1:000000000000:celery-dead" }
}

override_resource {
  override_during = plan
  target          = module.edge.aws_secretsmanager_secret.probe
  values          = { arn = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:probe" }
}

# --- The cluster

mock_resource "aws_eks_cluster" {
  override_during = plan
  defaults        = { endpoint = "https://cluster.invalid", certificate_authority = [{ data = "bW9jaw==" }] }
}

mock_resource "aws_launch_template" {
  override_during = plan
  defaults        = { id = "lt-mock", latest_version = 1 }
}

# --- The edge

mock_resource "aws_acm_certificate" {
  override_during = plan
  defaults = {
    arn = "arn:aws:acm:eu-west-1:000000000000:certificate/mock"
    domain_validation_options = [{
      domain_name           = "api.example.org"
      resource_record_name  = "_mock.api.example.org."
      resource_record_type  = "CNAME"
      resource_record_value = "_mock.acm.invalid."
    }]
  }
}

mock_resource "aws_wafv2_web_acl" {
  override_during = plan
  defaults        = { arn = "arn:aws:wafv2:eu-west-1:000000000000:regional/webacl/mock/0000" }
}

mock_resource "aws_cloudwatch_event_rule" {
  override_during = plan
  defaults        = { arn = "arn:aws:events:eu-west-1:000000000000:rule/mock" }
}

mock_resource "aws_lb" {
  override_during = plan
  defaults = {
    arn        = "arn:aws:elasticloadbalancing:eu-west-1:000000000000:loadbalancer/app/mock/0000"
    arn_suffix = "app/mock/0000"
  }
}

mock_resource "aws_lb_target_group" {
  override_during = plan
  defaults = {
    arn        = "arn:aws:elasticloadbalancing:eu-west-1:000000000000:targetgroup/mock/0000"
    arn_suffix = "targetgroup/mock/0000"
  }
}

mock_resource "aws_lb_listener" {
  override_during = plan
  defaults        = { arn = "arn:aws:elasticloadbalancing:eu-west-1:000000000000:listener/app/mock/0000/0000" }
}

mock_resource "aws_apigatewayv2_vpc_link" {
  override_during = plan
  defaults        = { id = "link-mock" }
}

mock_resource "aws_apigatewayv2_api" {
  override_during = plan
  defaults        = { id = "api-mock", execution_arn = "arn:aws:execute-api:eu-west-1:000000000000:api-mock" }
}

override_resource {
  override_during = plan
  target          = module.edge.aws_apigatewayv2_integration.web
  values          = { id = "web" }
}

override_resource {
  override_during = plan
  target          = module.edge.aws_apigatewayv2_integration.probe
  values          = { id = "probe" }
}

mock_resource "aws_apigatewayv2_stage" {
  override_during = plan
  defaults        = { id = "stage-mock" }
}

mock_resource "aws_lambda_function" {
  override_during = plan
  defaults = {
    arn        = "arn:aws:lambda:eu-west-1:000000000000:function:mock"
    invoke_arn = "arn:aws:apigateway:eu-west-1:lambda:path/functions/mock/invocations"
  }
}

# --- Secrets: database roles, the generated key, and tokens written by hand

override_resource {
  override_during = plan
  target          = module.secrets.aws_secretsmanager_secret.this
  values          = { arn = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:role" }
}

override_resource {
  override_during = plan
  target          = module.secrets.aws_secretsmanager_secret.plain["django/secret-key"]
  values          = { arn = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:key" }
}

override_resource {
  override_during = plan
  target          = module.secrets.aws_secretsmanager_secret.plain["grafana/token"]
  values          = { arn = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:token" }
}

override_resource {
  override_during = plan
  target          = module.secrets.aws_secretsmanager_secret.plain["alerting/receivers"]
  values          = { arn = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:receivers" }
}
