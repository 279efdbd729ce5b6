# Status, progress and small data sets. Losing it loses nothing, so it has no snapshots; and in a
# snapshot encodings would outlive their deletion.

resource "aws_elasticache_subnet_group" "this" {
  count = local.has_cache ? 1 : 0

  name        = var.name_prefix
  description = "Private subnets for the cache."
  subnet_ids  = var.subnet_ids
}

resource "aws_elasticache_replication_group" "this" {
  #checkov:skip=CKV_AWS_191:kms_key_arn is optional, as one costs a dollar a month
  #checkov:skip=CKV2_AWS_50:replicas is the size's choice
  count = local.has_cache ? 1 : 0

  replication_group_id = var.name_prefix
  description          = "Status and progress of runs, and small data sets."
  engine               = "valkey"
  engine_version       = var.cache.engine_version
  node_type            = var.cache.node_type
  port                 = local.valkey_port

  num_cache_clusters         = 1 + var.cache.replicas
  automatic_failover_enabled = var.cache.replicas > 0
  multi_az_enabled           = var.cache.replicas > 0

  transit_encryption_enabled = true
  transit_encryption_mode    = "required"
  at_rest_encryption_enabled = true
  kms_key_id                 = var.kms_key_arn
  auth_token                 = local.cache_password
  auth_token_update_strategy = "ROTATE" # the one before is good until the next change

  subnet_group_name  = aws_elasticache_subnet_group.this[0].name
  security_group_ids = [aws_security_group.cache[0].id]

  snapshot_retention_limit   = 0
  auto_minor_version_upgrade = true
  apply_immediately          = var.apply_immediately
}
