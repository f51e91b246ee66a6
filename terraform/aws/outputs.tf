# Inputs of the second root and the charts. A test compares the names with what the second root reads.

output "cluster_name" {
  description = "Name of the cluster."
  value       = module.eks.cluster_name
}

output "cluster_endpoint" {
  description = "URL of the cluster's API."
  value       = module.eks.cluster_endpoint
}

output "cluster_certificate_authority_data" {
  description = "Certificate authority of the cluster's API, base64."
  value       = module.eks.cluster_certificate_authority_data
}

output "station" {
  description = "Values for the charts, passed on as annotations of Argo CD's cluster Secret."
  value = {
    name              = var.name
    environment       = var.environment
    region            = var.region
    domain            = var.domain
    zone_id           = var.zone_id
    vpc_id            = module.network.vpc_id
    image_repository  = module.registry.repository_url
    kafka_brokers     = module.kafka.bootstrap_brokers
    postgres_mode     = var.postgres.mode
    postgres_address  = module.postgres.address
    postgres_backups  = module.postgres.backup_bucket
    admin_secret_arn  = module.postgres.admin_secret_arn
    role_secret_names = module.secrets.names
    probe_secret_name = module.edge.probe_secret_name
    celery_queue_url  = module.queue.url
    celery_queue_name = module.queue.name
    target_group_arn  = module.edge.target_group_arn
    alarms_topic_arn  = module.observability.topic_arn
  }
}

output "terraform_role_arns" {
  description = "Roles for HCP Terraform runs, for TFC_AWS_PLAN_ROLE_ARN and TFC_AWS_APPLY_ROLE_ARN."
  value       = module.identity.terraform_role_arns
}

output "image_target" {
  description = "A line for the repository variable IMAGE_TARGETS: the role that pushes images, and the registry."
  value       = "${module.identity.image_role_arn} ${module.registry.repository_url}"
}

output "api_url" {
  description = "Public URL of the API."
  value       = module.edge.api_url
}

output "nat_addresses" {
  description = "Public IP addresses of outbound traffic."
  value       = module.network.nat_addresses
}
