# Alarms for what there is.

mock_provider "aws" {
  source = "./tests/aws"
}

variables {
  name_prefix        = "test"
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
    condition     = toset(keys(aws_cloudwatch_metric_alarm.this)) == toset(["api-errors", "api-throttles", "reconcile-errors", "reconcile-missing", "link-failures", "link-throttles", "purge-failures", "purge-throttles"])
    error_message = "There are alarms for what there is."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["reconcile-missing"].treat_missing_data == "breaching" && aws_cloudwatch_metric_alarm.this["purge-failures"].threshold == 1
    error_message = "Silence of the reconciler and a purge that fails are alarms."
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
    condition     = length(distinct([for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : "${widget.x},${widget.y}"])) == length(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets)
    error_message = "No chart hides another."
  }

  assert {
    condition     = alltrue(flatten([for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : [for metric in widget.properties.metrics : length(metric) >= 2 && startswith(metric[0], "AWS/")]]))
    error_message = "A metric has a namespace and a name."
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
