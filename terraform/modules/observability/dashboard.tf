# The dashboard: two charts a row, each a title, a statistic and its metrics.

data "aws_region" "current" {}

locals {
  compare  = var.function_names["compare"]
  machines = var.state_machine_arns

  charts = concat(
    [
      { title = "Requests", stat = "Sum", metrics = [
        for metric in ["Count", "4XXError", "5XXError"] :
        ["AWS/ApiGateway", metric, "ApiName", var.rest_api_name, "Stage", var.stage_name]
      ] },
      { title = "Time of an answer, 95th percentile (ms)", stat = "p95", metrics = [
        for metric in ["Latency", "IntegrationLatency"] :
        ["AWS/ApiGateway", metric, "ApiName", var.rest_api_name, "Stage", var.stage_name]
      ] },
      { title = "Chunks compared", stat = "Sum", metrics = [
        for metric in ["Invocations", "Errors", "Throttles"] : ["AWS/Lambda", metric, "FunctionName", local.compare]
      ] },
      { title = "Compare functions at work", stat = "Maximum", metrics = [
        ["AWS/Lambda", "ConcurrentExecutions", "FunctionName", local.compare],
        ["AWS/Lambda", "ConcurrentExecutions"], # the account's
      ] },
      { title = "Time of a chunk (ms)", stat = "Average", metrics = [
        ["AWS/Lambda", "Duration", "FunctionName", local.compare],
      ] },
      { title = "Errors of functions", stat = "Sum", metrics = [
        for name in values(var.function_names) : ["AWS/Lambda", "Errors", "FunctionName", name]
      ] },
      { title = "Executions begun", stat = "Sum", metrics = [
        for arn in values(local.machines) : ["AWS/States", "ExecutionsStarted", "StateMachineArn", arn]
      ] },
      { title = "Executions failed", stat = "Sum", metrics = [
        for arn in values(local.machines) : ["AWS/States", "ExecutionsFailed", "StateMachineArn", arn]
      ] },
      { title = "Time of an execution (ms)", stat = "Average", metrics = [
        for arn in values(local.machines) : ["AWS/States", "ExecutionTime", "StateMachineArn", arn]
      ] },
    ],
    [for name in compact([var.failures_queue_name]) : {
      title = "Age of the oldest failed call (s)", stat = "Maximum", metrics = [
        ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", name],
      ]
    }],
    flatten([for id in compact([var.database_instance_id]) : [
      { title = "Database: processor (%)", stat = "Average", metrics = [["AWS/RDS", "CPUUtilization", "DBInstanceIdentifier", id]] },
      { title = "Database: connections", stat = "Maximum", metrics = [["AWS/RDS", "DatabaseConnections", "DBInstanceIdentifier", id]] },
      { title = "Database: free storage (bytes)", stat = "Minimum", metrics = [["AWS/RDS", "FreeStorageSpace", "DBInstanceIdentifier", id]] },
    ]]),
    length(var.cache_node_ids) == 0 ? [] : [
      { title = "Cache: processor and memory (%)", stat = "Average", metrics = flatten([
        for id in var.cache_node_ids : [
          for metric in ["EngineCPUUtilization", "DatabaseMemoryUsagePercentage"] :
          { line = ["AWS/ElastiCache", metric, "CacheClusterId", id] }
        ]
      ])[*].line },
      { title = "Cache: connections", stat = "Maximum", metrics = [
        for id in var.cache_node_ids : ["AWS/ElastiCache", "CurrConnections", "CacheClusterId", id]
      ] },
    ],
  )

  widgets = [
    for index, chart in local.charts : {
      type   = "metric"
      x      = 12 * (index % 2)
      y      = 6 * floor(index / 2)
      width  = 12
      height = 6
      properties = {
        title   = chart.title
        stat    = chart.stat
        metrics = chart.metrics
        period  = 300
        view    = "timeSeries"
        region  = data.aws_region.current.name
      }
    }
  ]
}
