output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "private_subnet_ids" {
  description = "All private subnets: the stores'."
  value       = aws_subnet.private[*].id
}

output "function_subnet_ids" {
  description = "The private subnets that have interface endpoints: the functions'."
  value       = local.function_subnet_ids
}

output "function_security_group_id" {
  description = "Security group of the functions."
  value       = aws_security_group.functions.id
}
