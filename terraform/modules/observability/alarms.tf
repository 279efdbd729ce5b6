# The table of alarms. periods are of five minutes.

locals {
  at_least = "GreaterThanOrEqualToThreshold"
  below    = "LessThanThreshold"

  api = { ApiName = var.rest_api_name, Stage = var.stage_name }

  api_alarms = {
    api-errors = {
      description = "The API answers 5xx: the function's log has the reason, the access log the requests."
      namespace   = "AWS/ApiGateway", metric = "5XXError", dimensions = local.api
      statistic   = "Sum", comparison = local.at_least, threshold = var.api_errors_threshold, periods = 1, missing = "notBreaching"
    }
    api-throttles = {
      description = "Requests find no free function: the account's concurrency is used up. Lower the compare functions' or raise the quota."
      namespace   = "AWS/Lambda", metric = "Throttles", dimensions = { FunctionName = var.function_names["api"] }
      statistic   = "Sum", comparison = local.at_least, threshold = 1, periods = 1, missing = "notBreaching"
    }
    reconcile-errors = {
      description = "The reconciler fails: vanished executions are not taken up."
      namespace   = "AWS/Lambda", metric = "Errors", dimensions = { FunctionName = var.function_names["reconcile"] }
      statistic   = "Sum", comparison = local.at_least, threshold = 3, periods = 1, missing = "notBreaching"
    }
    reconcile-missing = {
      description = "The reconciler doesn't run: vanished executions are not taken up."
      namespace   = "AWS/Lambda", metric = "Invocations", dimensions = { FunctionName = var.function_names["reconcile"] }
      statistic   = "Sum", comparison = local.below, threshold = 1, periods = 2, missing = "breaching"
    }
  }

  # An upload that is refused is its sender's fault, mostly; a purge that fails is a broken promise.
  state_machine_thresholds = { ingest = var.ingest_failures_threshold, link = 1, purge = 1 }

  state_machine_alarms = merge([
    for name, arn in var.state_machine_arns : {
      "${name}-failures" = {
        description = "Executions of ${name} have failed: its log and the function's have the reason."
        namespace   = "AWS/States", metric = "ExecutionsFailed", dimensions = { StateMachineArn = arn }
        statistic   = "Sum", comparison = local.at_least
        threshold   = lookup(local.state_machine_thresholds, name, 1), periods = 1, missing = "notBreaching"
      }
      "${name}-throttles" = {
        description = "State transitions of ${name} are throttled: fewer and larger chunks, or a higher quota."
        namespace   = "AWS/States", metric = "ExecutionThrottled", dimensions = { StateMachineArn = arn }
        statistic   = "Sum", comparison = local.at_least, threshold = 1000, periods = 2, missing = "notBreaching"
      }
    }
  ]...)

  queue_alarms = { for name in compact([var.failures_queue_name]) : "failed-calls" => {
    description = "A call of a scheduled function failed for good: read the queue, then purge it."
    namespace   = "AWS/SQS", metric = "ApproximateAgeOfOldestMessage", dimensions = { QueueName = name }
    statistic   = "Maximum", comparison = local.at_least, threshold = 1, periods = 1, missing = "notBreaching"
  } }

  database_alarms = merge([
    for id in compact([var.database_instance_id]) : {
      database-cpu = {
        description = "The database is busy."
        namespace   = "AWS/RDS", metric = "CPUUtilization", dimensions = { DBInstanceIdentifier = id }
        statistic   = "Average", comparison = local.at_least, threshold = 80, periods = 3, missing = "breaching"
      }
      database-storage = {
        description = "The database has less than 2 GiB left, and has grown to its limit."
        namespace   = "AWS/RDS", metric = "FreeStorageSpace", dimensions = { DBInstanceIdentifier = id }
        statistic   = "Minimum", comparison = local.below, threshold = 2147483648, periods = 1, missing = "notBreaching"
      }
      database-memory = {
        description = "The database has less than 64 MiB of memory left."
        namespace   = "AWS/RDS", metric = "FreeableMemory", dimensions = { DBInstanceIdentifier = id }
        statistic   = "Average", comparison = local.below, threshold = 67108864, periods = 3, missing = "notBreaching"
      }
      database-connections = {
        description = "The database has nearly all the connections it takes: lower the throttle, or take a larger instance."
        namespace   = "AWS/RDS", metric = "DatabaseConnections", dimensions = { DBInstanceIdentifier = id }
        statistic   = "Maximum", comparison = local.at_least, threshold = var.database_connections_threshold, periods = 1, missing = "notBreaching"
      }
    }
  ]...)

  cache_alarms = merge([
    for id in var.cache_node_ids : {
      "cache-cpu-${id}" = {
        description = "The cache is busy: a larger node, or fewer compare functions at a time."
        namespace   = "AWS/ElastiCache", metric = "EngineCPUUtilization", dimensions = { CacheClusterId = id }
        statistic   = "Average", comparison = local.at_least, threshold = 80, periods = 3, missing = "notBreaching"
      }
      "cache-memory-${id}" = {
        description = "The cache is nearly full: keys go before their time, and status is slower."
        namespace   = "AWS/ElastiCache", metric = "DatabaseMemoryUsagePercentage", dimensions = { CacheClusterId = id }
        statistic   = "Average", comparison = local.at_least, threshold = 85, periods = 3, missing = "notBreaching"
      }
    }
  ]...)

  alarms = merge(
    local.api_alarms, local.state_machine_alarms, local.queue_alarms, local.database_alarms, local.cache_alarms
  )
}
