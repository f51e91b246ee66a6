output "namespaces" {
  description = "Namespaces that Argo CD may write to: one for each directory of the charts' folder."
  value       = sort(keys(local.charts))
}
