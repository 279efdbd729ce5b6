# What a size means. Each value can be set by itself: a variable that is null takes the size's.

locals {
  sizes = {
    # Applies in a new account: 3,008 MB a function, ten functions at a time, nothing reserved.
    small = {
      function_zone_count            = 1
      compare                        = { memory_mb = 3008, concurrency = 5 }
      database                       = { instance_class = "db.t4g.micro", multi_az = false, backup_days = 7 }
      cache                          = { node_type = "cache.t4g.micro", replicas = 0 }
      throttle                       = { rate = 20, burst = 40 }
      log_retention_days             = 30
      flow_logs_enabled              = false
      database_connections_threshold = 60
    }
    # Survives the loss of a zone. Wants the usual concurrency of 1,000.
    production = {
      function_zone_count            = 2
      compare                        = { memory_mb = 7076, concurrency = 400 } # four vCPUs each
      database                       = { instance_class = "db.t4g.medium", multi_az = true, backup_days = 14 }
      cache                          = { node_type = "cache.t4g.small", replicas = 1 }
      throttle                       = { rate = 200, burst = 400 }
      log_retention_days             = 365
      flow_logs_enabled              = true
      database_connections_threshold = 350
    }
  }
  size = local.sizes[var.size]

  function_zone_count = coalesce(var.function_zone_count, local.size.function_zone_count)
  compare             = { for name, value in local.size.compare : name => coalesce(var.compare[name], value) }
  throttle            = { for name, value in local.size.throttle : name => coalesce(var.api_throttle[name], value) }
  log_retention_days  = coalesce(var.log_retention_days, local.size.log_retention_days)
  flow_logs_enabled   = coalesce(var.flow_logs_enabled, local.size.flow_logs_enabled)

  # What is null is left to the size, and then to the module's own defaults.
  database = merge(local.size.database, { for name, value in var.database : name => value if value != null })
  cache    = merge(local.size.cache, { for name, value in var.cache : name => value if value != null })
}
