# Postgres and Valkey in private subnets, each only if it is asked for. The files beside this one: the
# database, the proxy before it, the cache, their passwords, and who may connect.

locals {
  has_database = var.database != null
  has_cache    = var.cache != null
  has_proxy    = local.has_database ? var.database.proxy_enabled : false

  postgres_port = 5432
  valkey_port   = 6379
}
