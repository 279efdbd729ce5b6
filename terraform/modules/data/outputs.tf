output "database" {
  description = "Where the database is, or its proxy: host, port, name, user; null if there is none."
  value = local.has_database ? {
    host = local.has_proxy ? aws_db_proxy.this[0].endpoint : aws_db_instance.this[0].address
    port = local.postgres_port
    name = var.database.name
    user = var.database.user
  } : null

  # Whoever has the address can connect.
  depends_on = [
    aws_db_proxy_target.this,
    aws_vpc_security_group_ingress_rule.database,
    aws_vpc_security_group_egress_rule.functions_database,
  ]
}

output "database_password" {
  description = "The database user's password; null if RDS manages it."
  value       = local.database_password
  sensitive   = true
}

output "database_instance_id" {
  description = "The instance's identifier, for its metrics; null if there is none."
  value       = local.has_database ? aws_db_instance.this[0].identifier : null
}

output "database_secret_arn" {
  description = "The secret with the database's user and password; null if there is none."
  value       = local.database_secret_arn
}

output "cache" {
  description = "Where the cache is: host, port; null if there is none."
  value = local.has_cache ? {
    host = aws_elasticache_replication_group.this[0].primary_endpoint_address
    port = local.valkey_port
  } : null

  depends_on = [
    aws_vpc_security_group_ingress_rule.cache,
    aws_vpc_security_group_egress_rule.functions_cache,
  ]
}

output "cache_password" {
  description = "The cache's AUTH token."
  value       = local.cache_password
  sensitive   = true
}

output "cache_node_ids" {
  description = "The cache's nodes, for their metrics."
  value       = local.has_cache ? [for i in range(1 + var.cache.replicas) : format("%s-%03d", var.name_prefix, i + 1)] : []
}

output "cache_secret_arn" {
  description = "The secret with the cache's AUTH token; null if there is none."
  value       = one(module.cache_secret[*].arn)
}
