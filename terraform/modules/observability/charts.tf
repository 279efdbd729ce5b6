# The table of charts by question: each a title, a statistic and its metrics. own holds names of the service's
# own metrics, whose only dimension is the service; aws those that AWS measures.

locals {
  compare = var.function_names["compare"]

  charts = {
    "Do users get answers?" = [
      { title = "Requests", stat = "Sum", own = [], aws = [
        for metric in ["Count", "4XXError", "5XXError"] :
        ["AWS/ApiGateway", metric, "ApiName", var.rest_api_name, "Stage", var.stage_name]
      ] },
      { title = "Time of an answer, 95th percentile (ms)", stat = "p95", own = [], aws = [
        for metric in ["Latency", "IntegrationLatency"] :
        ["AWS/ApiGateway", metric, "ApiName", var.rest_api_name, "Stage", var.stage_name]
      ] },
      { title = "Uploads", stat = "Sum", own = ["UploadsIngested", "UploadsRefused", "UploadsFailed"], aws = [] },
      { title = "Runs", stat = "Sum", own = ["RunsCompleted", "RunsRefused", "RunsFailed"], aws = [] },
      { title = "Time of a run, 90th percentile (s)", stat = "p90", own = [
        "RunSeconds", "PlanSeconds", "CompareSeconds", "MergeSeconds", "SolveSeconds", "PermuteSeconds", "EncryptSeconds", "DeliverSeconds",
      ], aws = [] },
      { title = "Unforeseen errors, by function", stat = "Sum", own = [], aws = [
        for name in keys(var.function_names) :
        [var.metric_namespace, "UnforeseenErrors", "service", var.service_name, "function", name]
      ] },
    ]

    "Is work moving?" = [
      { title = "Age of the oldest unfinished (s)", stat = "Maximum", own = ["OldestUploadSeconds", "OldestRunSeconds", "OldestPurgeSeconds"], aws = [] },
      { title = "Comparisons, pairs found, bits encrypted", stat = "Sum", own = ["Comparisons", "CandidatePairs", "EncryptedBits"], aws = [] },
      { title = "Comparisons a second of one function", stat = "Average", own = ["ComparisonsPerSecond"], aws = [] },
      { title = "Time of a chunk (ms)", stat = "p90", own = ["ChunkMilliseconds"], aws = [["AWS/Lambda", "Duration", "FunctionName", local.compare]] },
      { title = "Wait before work begins, 90th percentile (s)", stat = "p90", own = ["UploadWaitSeconds", "RunWaitSeconds", "ChunkWaitSeconds"], aws = [] },
      { title = "Functions at work", stat = "Maximum", own = [], aws = [
        ["AWS/Lambda", "ConcurrentExecutions", "FunctionName", local.compare],
        ["AWS/Lambda", "ConcurrentExecutions"], # the account's
      ] },
      { title = "Executions begun and failed", stat = "Sum", own = [], aws = flatten([
        for arn in values(var.state_machine_arns) : [
          for metric in ["ExecutionsStarted", "ExecutionsFailed"] : { line = ["AWS/States", metric, "StateMachineArn", arn] }
        ]
      ])[*].line },
      { title = "Errors and throttles of functions", stat = "Sum", own = [], aws = concat(
        [for name in values(var.function_names) : ["AWS/Lambda", "Errors", "FunctionName", name]],
        [["AWS/Lambda", "Throttles", "FunctionName", local.compare], ["AWS/Lambda", "Throttles", "FunctionName", var.function_names["api"]]],
      ) },
      { title = "Age of the oldest failed call (s)", stat = "Maximum", own = [], aws = [
        for name in compact([var.failures_queue_name]) : ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", name]
      ] },
    ]

    "What does it cost?" = [
      { title = "Cost of completed runs (USD)", stat = "Sum", own = ["RunCost"], aws = [] },
      { title = "Cost of a run, 90th percentile (USD)", stat = "p90", own = ["RunCost"], aws = [] },
      { title = "Records ingested", stat = "Sum", own = ["RecordsIngested"], aws = [] },
    ]

    "Are the stores well?" = [
      { title = "Reconnects and failures", stat = "Sum", own = ["DatabaseReconnects", "CacheFailures"], aws = [] },
      { title = "Objects left after a purge", stat = "Sum", own = ["ObjectsLeft"], aws = [] },
      { title = "Database: processor (%)", stat = "Average", own = [], aws = [
        for id in compact([var.database_instance_id]) : ["AWS/RDS", "CPUUtilization", "DBInstanceIdentifier", id]
      ] },
      { title = "Database: connections", stat = "Maximum", own = [], aws = [
        for id in compact([var.database_instance_id]) : ["AWS/RDS", "DatabaseConnections", "DBInstanceIdentifier", id]
      ] },
      { title = "Database: free storage (bytes)", stat = "Minimum", own = [], aws = [
        for id in compact([var.database_instance_id]) : ["AWS/RDS", "FreeStorageSpace", "DBInstanceIdentifier", id]
      ] },
      { title = "Cache: processor and memory (%)", stat = "Average", own = [], aws = flatten([
        for id in var.cache_node_ids : [
          for metric in ["EngineCPUUtilization", "DatabaseMemoryUsagePercentage"] :
          { line = ["AWS/ElastiCache", metric, "CacheClusterId", id] }
        ]
      ])[*].line },
      { title = "Cache: connections", stat = "Maximum", own = [], aws = [
        for id in var.cache_node_ids : ["AWS/ElastiCache", "CurrConnections", "CacheClusterId", id]
      ] },
    ]
  }

  # In this order: first what users see.
  questions = [
    for question in ["Do users get answers?", "Is work moving?", "What does it cost?", "Are the stores well?"] : {
      question = question
      charts = [
        for chart in local.charts[question] : {
          title   = chart.title
          stat    = chart.stat
          metrics = concat([for name in chart.own : [var.metric_namespace, name, "service", var.service_name]], chart.aws)
        }
      ]
    }
  ]
}
