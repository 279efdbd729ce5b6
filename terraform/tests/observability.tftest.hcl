# Alarms for what there is.

mock_provider "aws" {
  source = "./tests/aws"
}

variables {
  name_prefix        = "test"
  metric_namespace   = "Linkage"
  service_name       = "service"
  rest_api_name      = "test"
  stage_name         = "api"
  function_names     = { api = "test-api", compare = "test-compare", reconcile = "test-reconcile" }
  state_machine_arns = { link = "arn:aws:states:eu-west-1:123456789012:stateMachine:test-link", purge = "arn:aws:states:eu-west-1:123456789012:stateMachine:test-purge" }
}

run "without_stores_of_its_own" {
  module {
    source = "./modules/observability"
  }

  assert {
    condition     = toset(keys(aws_cloudwatch_metric_alarm.this)) == toset(["run-unfinished", "upload-unfinished", "purge-unfinished", "objects-left", "runs-failed", "uploads-failed", "cache-failures", "api-errors", "api-throttles", "reconcile-errors", "reconcile-missing", "link-failures", "link-throttles", "purge-failures", "purge-throttles"])
    error_message = "There are alarms for what there is."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["reconcile-missing"].treat_missing_data == "breaching" && aws_cloudwatch_metric_alarm.this["purge-failures"].threshold == 1
    error_message = "Silence of the reconciler and a purge that fails are alarms."
  }

  assert {
    condition = alltrue([
      for name in ["run-unfinished", "upload-unfinished", "purge-unfinished", "objects-left", "runs-failed", "uploads-failed", "cache-failures"] :
      aws_cloudwatch_metric_alarm.this[name].namespace == "Linkage" && aws_cloudwatch_metric_alarm.this[name].dimensions == tomap({ service = "service" })
    ])
    error_message = "The service's own metrics have its namespace and the dimension service alone."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["run-unfinished"].threshold == 21600 && aws_cloudwatch_metric_alarm.this["run-unfinished"].statistic == "Maximum" && aws_cloudwatch_metric_alarm.this["objects-left"].threshold == 1
    error_message = "A run of six hours and a single object that is left are alarms."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["runs-failed"].threshold == 1 && aws_cloudwatch_metric_alarm.this["link-failures"].threshold > 1
    error_message = "A fault of the service is an alarm at once; runs that end in error by their data are not."
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.this : can(regex("[.?] docs/debugging\\.md: [A-Z][^.]+\\.$", alarm.alarm_description)) && length(alarm.alarm_description) <= 1024])
    error_message = "An alarm says where to read on."
  }

  assert {
    condition     = [for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : widget.properties.markdown if widget.type == "text"] == ["## Do users get answers?", "## Is work moving?", "## What does it cost?", "## Are the stores well?"]
    error_message = "The dashboard goes by questions."
  }
}

run "with_stores_and_topics" {
  module {
    source = "./modules/observability"
  }

  variables {
    failures_queue_name  = "test-failures"
    database_instance_id = "test"
    cache_node_ids       = ["test-001", "test-002"]
    alarm_topic_arns     = ["arn:aws:sns:eu-west-1:123456789012:alarms"]
  }

  assert {
    condition     = length(setsubtract(["failed-calls", "database-cpu", "database-storage", "database-memory", "database-connections", "cache-cpu-test-001", "cache-memory-test-002"], keys(aws_cloudwatch_metric_alarm.this))) == 0
    error_message = "Stores and the queue have alarms."
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.this : one(alarm.alarm_actions) == "arn:aws:sns:eu-west-1:123456789012:alarms" && one(alarm.ok_actions) == one(alarm.alarm_actions)])
    error_message = "Somebody is told, also that it is over."
  }

  assert {
    condition = length(distinct(flatten([
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : [
        for y in range(widget.height) : [for x in range(widget.width) : "${widget.x + x},${widget.y + y}"]
      ]
    ]))) == sum([for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : widget.width * widget.height])
    error_message = "No chart hides any of another."
  }

  assert {
    condition     = alltrue([for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : widget.x + widget.width <= 24])
    error_message = "The dashboard is 24 columns wide."
  }

  assert {
    condition     = alltrue(flatten([for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : [for metric in widget.properties.metrics : length(metric) >= 2 && (startswith(metric[0], "AWS/") || startswith(join("/", metric), "Linkage/${metric[1]}/service/service"))] if widget.type == "metric"]))
    error_message = "A metric has a namespace and a name, and of the service's own the service."
  }

  assert {
    condition     = alltrue([for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : length(widget.properties.metrics) > 0 if widget.type == "metric"])
    error_message = "No chart is empty."
  }
}

run "the_reconciler_must_be_known" {
  command = plan

  module {
    source = "./modules/observability"
  }

  variables {
    function_names = { api = "test-api" }
  }

  expect_failures = [var.function_names]
}
