# The table of alarms. periods are of five minutes. Each description ends with where docs/debugging.md goes on.

locals {
  at_least = "GreaterThanOrEqualToThreshold"
  below    = "LessThanThreshold"

  api     = { ApiName = var.rest_api_name, Stage = var.stage_name }
  service = { service = var.service_name }

  # What users were promised, by the service's own metrics. While the reconciler is silent the ages aren't
  # told: that is an alarm of its own.
  promise_alarms = {
    run-unfinished = {
      description = "A run has not ended for ${var.run_max_hours} hours. It may be large: look whether its comparisons grow. If not, stop its execution; it is taken up again. docs/debugging.md: A run hangs."
      namespace   = var.metric_namespace, metric = "OldestRunSeconds", dimensions = local.service
      statistic   = "Maximum", comparison = local.at_least, threshold = 3600 * var.run_max_hours, periods = 1, missing = "notBreaching"
    }
    upload-unfinished = {
      description = "An upload was delivered ${var.upload_max_hours} hours ago and is neither ingested nor refused. Look at its execution and at the function ingest. docs/debugging.md: An upload fails."
      namespace   = var.metric_namespace, metric = "OldestUploadSeconds", dimensions = local.service
      statistic   = "Maximum", comparison = local.at_least, threshold = 3600 * var.upload_max_hours, periods = 1, missing = "notBreaching"
    }
    purge-unfinished = {
      description = "What was to be deleted ${var.purge_max_hours} hours ago is still there. Look whether executions of purge fail, or find something in each pass. docs/debugging.md: A purge doesn't end."
      namespace   = var.metric_namespace, metric = "OldestPurgeSeconds", dimensions = local.service
      statistic   = "Maximum", comparison = local.at_least, threshold = 3600 * var.purge_max_hours, periods = 1, missing = "notBreaching"
    }
    objects-left = {
      description = "A task wrote after the last pass of a purge. What it wrote was removed, but a later write would stay: find the project in purge's log, and list its folder in both buckets. docs/debugging.md: A purge doesn't end."
      namespace   = var.metric_namespace, metric = "ObjectsLeft", dimensions = local.service
      statistic   = "Sum", comparison = local.at_least, threshold = 1, periods = 1, missing = "notBreaching"
    }
    runs-failed = {
      description = "A run ended in error by a fault of the service, not of its data: its message has a reference that the log explains. docs/debugging.md: A run hangs."
      namespace   = var.metric_namespace, metric = "RunsFailed", dimensions = local.service
      statistic   = "Sum", comparison = local.at_least, threshold = 1, periods = 1, missing = "notBreaching"
    }
    uploads-failed = {
      description = "An upload was refused by a fault of the service, not of its data: its message has a reference that the log explains. docs/debugging.md: An upload fails."
      namespace   = var.metric_namespace, metric = "UploadsFailed", dimensions = local.service
      statistic   = "Sum", comparison = local.at_least, threshold = 1, periods = 1, missing = "notBreaching"
    }
    cache-failures = {
      description = "Redis can't be used: status is slower and small data sets are read from S3; nothing is lost. Look at its node, its security group and the password. docs/debugging.md: In Redis."
      namespace   = var.metric_namespace, metric = "CacheFailures", dimensions = local.service
      statistic   = "Sum", comparison = local.at_least, threshold = var.cache_failures_threshold, periods = 3, missing = "notBreaching"
    }
  }

  api_alarms = {
    api-errors = {
      description = "The API answers 5xx: the access log has the requests, the function's log the reason. docs/debugging.md: The API answers 5xx."
      namespace   = "AWS/ApiGateway", metric = "5XXError", dimensions = local.api
      statistic   = "Sum", comparison = local.at_least, threshold = var.api_errors_threshold, periods = 1, missing = "notBreaching"
    }
    api-throttles = {
      description = "Requests find no free function: the account's concurrency is used up. Lower compare.concurrency or raise the quota. docs/debugging.md: The API answers 5xx."
      namespace   = "AWS/Lambda", metric = "Throttles", dimensions = { FunctionName = var.function_names["api"] }
      statistic   = "Sum", comparison = local.at_least, threshold = 1, periods = 1, missing = "notBreaching"
    }
    reconcile-errors = {
      description = "The reconciler fails, so executions that vanish are not taken up: its log has the reason, mostly the database's. docs/debugging.md: An alarm rang."
      namespace   = "AWS/Lambda", metric = "Errors", dimensions = { FunctionName = var.function_names["reconcile"] }
      statistic   = "Sum", comparison = local.at_least, threshold = 3, periods = 1, missing = "notBreaching"
    }
    reconcile-missing = {
      description = "The reconciler doesn't run, so executions that vanish are not taken up, and ages of unfinished work aren't told: is its rule enabled? docs/debugging.md: An alarm rang."
      namespace   = "AWS/Lambda", metric = "Invocations", dimensions = { FunctionName = var.function_names["reconcile"] }
      statistic   = "Sum", comparison = local.below, threshold = 1, periods = 2, missing = "breaching"
    }
  }

  # An execution fails when its data is refused, too: of those only many are worth a look. What fails by a
  # fault of ours has alarms above. A purge that fails is a broken promise.
  state_machine_thresholds = { ingest = var.ingest_failures_threshold, link = var.link_failures_threshold, purge = 1 }

  state_machine_alarms = merge([
    for name, arn in var.state_machine_arns : {
      "${name}-failures" = {
        description = "Executions of ${name} have failed: their history has the reason. docs/debugging.md: Executions in AWS."
        namespace   = "AWS/States", metric = "ExecutionsFailed", dimensions = { StateMachineArn = arn }
        statistic   = "Sum", comparison = local.at_least
        threshold   = lookup(local.state_machine_thresholds, name, 1), periods = 1, missing = "notBreaching"
      }
      "${name}-throttles" = {
        description = "State transitions of ${name} are throttled: raise chunk_min_seconds, or the quota. docs/debugging.md: An alarm rang."
        namespace   = "AWS/States", metric = "ExecutionThrottled", dimensions = { StateMachineArn = arn }
        statistic   = "Sum", comparison = local.at_least, threshold = 1000, periods = 2, missing = "notBreaching"
      }
    }
  ]...)

  queue_alarms = { for name in compact([var.failures_queue_name]) : "failed-calls" => {
    description = "A call of a scheduled function failed for good: read the queue, then purge it. docs/debugging.md: An alarm rang."
    namespace   = "AWS/SQS", metric = "ApproximateAgeOfOldestMessage", dimensions = { QueueName = name }
    statistic   = "Maximum", comparison = local.at_least, threshold = 1, periods = 1, missing = "notBreaching"
  } }

  database_alarms = merge([
    for id in compact([var.database_instance_id]) : {
      database-cpu = {
        description = "The database is busy: see what runs; a larger instance. docs/debugging.md: In Postgres."
        namespace   = "AWS/RDS", metric = "CPUUtilization", dimensions = { DBInstanceIdentifier = id }
        statistic   = "Average", comparison = local.at_least, threshold = 80, periods = 3, missing = "breaching"
      }
      database-storage = {
        description = "The database has less than 2 GiB left, and has grown to its limit: raise database.max_storage_gb before writes fail. docs/debugging.md: In Postgres."
        namespace   = "AWS/RDS", metric = "FreeStorageSpace", dimensions = { DBInstanceIdentifier = id }
        statistic   = "Minimum", comparison = local.below, threshold = 2147483648, periods = 1, missing = "notBreaching"
      }
      database-memory = {
        description = "The database has less than 64 MiB of memory left: a larger instance. docs/debugging.md: In Postgres."
        namespace   = "AWS/RDS", metric = "FreeableMemory", dimensions = { DBInstanceIdentifier = id }
        statistic   = "Average", comparison = local.below, threshold = 67108864, periods = 3, missing = "notBreaching"
      }
      database-connections = {
        description = "The database has nearly all the connections it takes: lower api_throttle, or take a larger instance. docs/debugging.md: In Postgres."
        namespace   = "AWS/RDS", metric = "DatabaseConnections", dimensions = { DBInstanceIdentifier = id }
        statistic   = "Maximum", comparison = local.at_least, threshold = var.database_connections_threshold, periods = 1, missing = "notBreaching"
      }
    }
  ]...)

  cache_alarms = merge([
    for id in var.cache_node_ids : {
      "cache-cpu-${id}" = {
        description = "The cache is busy: a larger node, or a lower compare.concurrency. docs/debugging.md: In Redis."
        namespace   = "AWS/ElastiCache", metric = "EngineCPUUtilization", dimensions = { CacheClusterId = id }
        statistic   = "Average", comparison = local.at_least, threshold = 80, periods = 3, missing = "notBreaching"
      }
      "cache-memory-${id}" = {
        description = "The cache is nearly full: keys go before their time and status is slower, but nothing is lost. A larger node. docs/debugging.md: In Redis."
        namespace   = "AWS/ElastiCache", metric = "DatabaseMemoryUsagePercentage", dimensions = { CacheClusterId = id }
        statistic   = "Average", comparison = local.at_least, threshold = 85, periods = 3, missing = "notBreaching"
      }
    }
  ]...)

  alarms = merge(
    local.promise_alarms, local.api_alarms, local.state_machine_alarms, local.queue_alarms,
    local.database_alarms, local.cache_alarms
  )
}
