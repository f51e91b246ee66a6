output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "cidr" {
  description = "Addresses of the VPC."
  value       = aws_vpc.this.cidr_block
}

output "private_subnet_ids" {
  description = "Private subnets, in the order of the zones."
  value       = [for zone in var.zones : aws_subnet.private[zone].id]
}

output "public_subnet_ids" {
  description = "Public subnets, in the order of the zones."
  value       = [for zone in var.zones : aws_subnet.public[zone].id]
}

output "nat_addresses" {
  description = "Public addresses that the station calls from: for the allow-lists of others."
  value       = [for address in aws_eip.nat : address.public_ip]
}
